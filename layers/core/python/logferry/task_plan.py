"""The one place where a task's stages become a plan. Their order stands in `stages.agreement`."""

from collections.abc import Sequence

from logferry import categories
from logferry.categories import Category
from logferry.errors import ConfigError
from logferry.plan import Plan, Test
from logferry.stages import agreement
from logferry.stages.custom_fields import INPUTS, CustomFields, flat_names, taken_out
from logferry.stages.filter import compile_filter
from logferry.stages.redact import MASK, Rule, redacted
from logferry.stages.rewriting import Step, renaming, rewriting
from logferry.stages.sample import id_sampler, sampler
from logferry.stages.timestamps import converted
from logferry.task import Task, share
from logferry.vault import Vault

__all__ = ["plan_of"]


def plan_of(task: Task, vault: Vault) -> Plan:
    """The task's stages, compiled; one that is not used costs nothing. Misconfigured if a secret is missing.

    Records are sampled by the category's id, which is the same for all tasks, else by their bytes, salted with the
    task's name: two tasks then keep different records.
    """
    kind = categories.find(task.category) if task.category else None
    needs, test = _filter(task, kind)
    steps = _steps(task, vault)
    return Plan(
        keep=sampler(share(task.sampling), task.task),
        id_field=kind.id if kind and kind.id else "",
        keep_id=id_sampler(share(task.sampling)) if kind and kind.id else None,
        stamp=(agreement.SITE, task.site) if task.site else None,
        needs=needs,
        test=test,
        fields=agreement.selection(task),
        then=(rewriting(steps),) if steps else (),
    )


def _filter(task: Task, kind: Category | None) -> tuple[tuple[str, ...], Test | None]:
    if task.filter is None:
        return (), None
    try:
        return compile_filter(task.filter, category=kind, made=(agreement.SITE,))
    except ConfigError:
        # It was right when it was stored: by a release that knew no types, or other fields of this category.
        return compile_filter(task.filter)


def _hides_some(custom: CustomFields, rules: Sequence[Rule]) -> bool:
    """Whether some custom field is to be redacted: then nothing leaves in a text that cannot be taken apart."""
    names = {*INPUTS, *flat_names(custom)}
    return any(not names.isdisjoint(rule.fields or ()) for rule in rules)


def _steps(task: Task, vault: Vault) -> list[Step]:
    """What is done to the fields of a record that passed, in this order."""
    steps: list[Step] = []
    if task.custom_fields:
        steps.append(
            taken_out(task.custom_fields, MASK if _hides_some(task.custom_fields, task.redact or ()) else None)
        )
    if task.redact:
        steps.append(redacted(task.redact, vault))
    wanted = agreement.timestamps(task)
    if wanted:
        steps.append(converted(wanted))
    if task.rename:
        steps.append(renaming(task.rename))
    return steps
