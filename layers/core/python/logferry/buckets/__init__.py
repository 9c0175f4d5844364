"""Buckets that speak Amazon S3's protocol: what the destinations `s3`, `oss` and `s3_compatible` share.

`options` are what the three share, `endpoint` where a bucket is, `naming` what objects are called, `keyring` whose
access key signs, `answers` what comes back, `bucket` one request, `depot` the destination.

Requests are signed here and sent by `transport.web`, not by an SDK: only so is a send over when its time is, and told
whether it may have been taken; and a function needs no SDK in its package.
"""
