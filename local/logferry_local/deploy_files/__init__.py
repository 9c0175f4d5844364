"""The two deploy files, `s.yaml` (Serverless Devs, fc3) and `template.yaml` (AWS SAM): one typed model of each.

`logferry deploy check` finds their mistakes; the local trigger runner reads the first one's functions and triggers.
"""
