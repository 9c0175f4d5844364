"""Faithful test receivers. One file a sink; `logferry sink NAME` finds it by its name."""
