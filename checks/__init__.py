"""What `make check` asks beside lint and types: locked wheels, licences, secrets in the tree. And `make audit`.

    python -m checks                 lock files, licences, secrets; nothing is asked of anybody
    python -m checks lock            writes layers/lock.json from the wheels (asks the package index)
    python -m checks audit           yanked versions and known vulnerabilities (asks the index and an advisory service)

Exit codes: 0 nothing found; 1 findings; 3 the audit could not be made, which is no good news.
docs/security.md says what each of them does not see.
"""
