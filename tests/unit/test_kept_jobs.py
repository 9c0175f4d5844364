"""Jobs that an instance keeps: those of a deleted task must not serve the next task of its name."""

import json

from logferry.apply import apply, delete
from logferry.sources import Surroundings
from logferry.vault import Vault
from logferry.wiring import Workshop, open_store, open_table

NAME = "esa"


def put_to_work(shop: Workshop, environ: dict[str, str], field: str) -> None:
    """Apply the task, with one field of each record."""
    task = {
        "task": NAME, "source": {"received": {"path": "/logs", "unsigned": True}}, "fields": [field],
        "destination": {"syslog_server": {"host": f"{field}.invalid", "port": 514, "protocol": "tcp"}},
    }  # fmt: skip
    apply(json.dumps(task), shop.table, Surroundings(environ, Vault(environ)))


def test_a_task_that_was_made_anew_has_a_job_of_its_own(tmp_path: object) -> None:
    """Deleted and applied again it has version 1 once more; what was built for the old one is not used."""
    environ = {"LOGFERRY_STATE": f"memory:{tmp_path}", "LOGFERRY_OBJECTS": f"folder:{tmp_path}"}
    shop = Workshop(open_table(environ), open_store(environ)).renewed(environ)
    put_to_work(shop, environ, "old")
    first = shop.job(shop.tasks.get(NAME))
    assert shop.job(shop.tasks.get(NAME)) is first
    delete(NAME, shop.table, lambda: 0.0)
    put_to_work(shop, environ, "new")
    assert shop.job(shop.tasks.get(NAME)).plan.fields == ("new",)
    assert shop.job_at(NAME, 1).plan.fields == ("new",)
    shop.close()


def test_an_older_version_is_that_of_the_task_that_there_is(tmp_path: object) -> None:
    """An open range of the new task's version 1 is not finished as the deleted task's version 1 would have been."""
    environ = {"LOGFERRY_STATE": f"memory:{tmp_path}", "LOGFERRY_OBJECTS": f"folder:{tmp_path}"}
    shop = Workshop(open_table(environ), open_store(environ)).renewed(environ)
    put_to_work(shop, environ, "old")
    assert shop.job(shop.tasks.get(NAME)).plan.fields == ("old",)
    delete(NAME, shop.table, lambda: 0.0)
    put_to_work(shop, environ, "new")
    put_to_work(shop, environ, "newer")
    assert shop.job(shop.tasks.get(NAME)).plan.fields == ("newer",)
    assert shop.job_at(NAME, 1).plan.fields == ("new",)
    shop.close()
