"""`template.yaml` as CloudFormation resolves it: conditions, references, texts with parts to fill in.

What only exists in an account has an invented name: a table `StateTable`, an ARN `arn:aws:SERVICE:…`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

__all__ = ["ACCOUNT", "NO_VALUE", "REGION", "Stack", "document"]

FILE = Path(__file__).parents[2] / "template.yaml"
ACCOUNT, REGION = "111122223333", "eu-west-1"
NO_VALUE = object()
_PSEUDO = {
    "AWS::AccountId": ACCOUNT, "AWS::NoValue": NO_VALUE, "AWS::Partition": "aws", "AWS::Region": REGION,
    "AWS::StackName": "logferry",
}  # fmt: skip
_ARNS = {
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::Events::Rule": "events:{region}:{account}:rule/{name}", "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*", "AWS::S3::Bucket": "s3:::{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
    "AWS::Serverless::Function": "lambda:{region}:{account}:function:{name}",
}  # fmt: skip
_NAMES = {"AWS::Logs::LogGroup": "LogGroupName", "AWS::S3::Bucket": "BucketName",
          "AWS::Serverless::Function": "FunctionName"}  # fmt: skip


class _Loader(yaml.SafeLoader):
    """`!Sub x` becomes `{"!Sub": x}`."""


def _tagged(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.ScalarNode):
        return {f"!{tag}": loader.construct_scalar(node)}
    assert isinstance(node, yaml.SequenceNode), tag
    return {f"!{tag}": loader.construct_sequence(node, deep=True)}


_Loader.add_multi_constructor("!", _tagged)


def document(file: Path = FILE) -> dict[str, Any]:
    """The template with its functions as they stand: `{"!Ref": name}`."""
    found: dict[str, Any] = yaml.load(file.read_text(), Loader=_Loader)  # noqa: S506  # its parent is the safe loader
    return found


class Stack:
    """The resources that these parameters make; the others have their defaults."""

    def __init__(self, **parameters: str) -> None:
        self._document = document()
        known = self._document["Parameters"]
        assert set(parameters) <= set(known), parameters
        self.parameters = {name: parameters.get(name, about["Default"]) for name, about in known.items()}
        for name, about in known.items():
            if about["Type"] == "CommaDelimitedList":
                self.parameters[name] = str(self.parameters[name]).split(",")

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """Properties by name, of those whose condition holds."""
        there = {name: it for name, it in self._document["Resources"].items() if it["Type"] == kind}
        return {
            name: self.resolved(it.get("Properties", {}))
            for name, it in there.items()
            if "Condition" not in it or self.holds(it["Condition"])
        }

    def environment(self) -> dict[str, str]:
        """What every function's environment has."""
        found = self.resolved(self._document["Globals"]["Function"]["Environment"]["Variables"])
        return {name: str(value) for name, value in found.items()}

    def statements(self, function: str) -> list[dict[str, Any]]:
        """What the role of a function (`forward`) allows, one statement with lists after the other."""
        functions = self.resources("AWS::Serverless::Function")
        (props,) = [it for it in functions.values() if it["CodeUri"] == f"dist/function-{function}.zip"]
        role = self.resources("AWS::IAM::Role")[props["Role"].rpartition("/")[2]]
        assert role.get("ManagedPolicyArns", ["VpcAccess"]) == ["VpcAccess"]
        (policy,) = role["Policies"]
        return [
            one | {key: [one[key]] if isinstance(one[key], str) else one[key] for key in ("Action", "Resource")}
            for one in policy["PolicyDocument"]["Statement"]
        ]

    def holds(self, condition: str) -> bool:
        """Whether a condition of the template is met."""
        return bool(self.resolved(self._document["Conditions"][condition]))

    def resolved(self, value: Any) -> Any:  # noqa: ANN401  # a document
        """A part of the template with nothing left to fill in."""
        if isinstance(value, list):
            return [it for it in map(self.resolved, value) if it is not NO_VALUE]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1 and next(iter(value)).startswith("!"):
            ((name, argument),) = value.items()
            return getattr(self, f"_{name[1:].lower()}")(argument)
        return {key: found for key, it in value.items() if (found := self.resolved(it)) is not NO_VALUE}

    def _ref(self, name: str) -> Any:  # noqa: ANN401  # a parameter may be a list
        if name in _PSEUDO:
            return _PSEUDO[name]
        return self.parameters[name] if name in self.parameters else self._name(name)

    def _getatt(self, argument: str) -> str:
        name, _, attribute = argument.partition(".")
        return self._arn(name) if attribute == "Arn" else f"{name}.{attribute}"

    def _sub(self, text: str) -> str:
        def found(match: re.Match[str]) -> str:
            return str(self._getatt(match[1]) if "." in match[1] else self._ref(match[1]))

        return re.sub(r"\$\{([A-Za-z0-9.:]+)\}", found, text)

    def _if(self, argument: list[Any]) -> Any:  # noqa: ANN401  # either branch
        return self.resolved(argument[1] if self.holds(argument[0]) else argument[2])

    def _equals(self, argument: list[Any]) -> bool:
        first, second = map(self.resolved, argument)
        return bool(first == second)

    def _not(self, argument: list[Any]) -> bool:
        return not self.resolved(argument[0])

    def _or(self, argument: list[Any]) -> bool:
        return any(map(self.resolved, argument))

    def _join(self, argument: list[Any]) -> str:
        return str(argument[0]).join(self.resolved(argument[1]))

    def _name(self, resource: str) -> str:
        about = self._document["Resources"][resource]
        named = about.get("Properties", {}).get(_NAMES.get(about["Type"], ""))
        usual = resource.lower() if about["Type"] == "AWS::S3::Bucket" else resource
        return str(self.resolved(named)) if named else usual

    def _arn(self, resource: str) -> str:
        form = _ARNS[self._document["Resources"][resource]["Type"]]
        return "arn:aws:" + form.format(region=REGION, account=ACCOUNT, name=self._name(resource))
