"""Where secrets are kept: `secret://KIND/REST` is read by the file `KIND.py` of this room, which `vault` finds.

Each file has `read(rest: str, environ: Mapping[str, str]) -> str`, which raises LookupError with what to do (never
with the value), or Transient where the store does not answer now; and `KEPT`, how many seconds a value may be used
before it is looked at again. A store that has to be asked over the network is asked through `transport.web`.
"""
