"""Backfill: a window of the past for one task, estimated, checked for overlap, delivered beside the live run."""
