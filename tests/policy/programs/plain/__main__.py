"""Registers one component of each type that the config asks for, with plain inputs: what a rule judges, without any loader."""

import json

import pulumi


class Plain(pulumi.ComponentResource):
    def __init__(self, resource_type: str, name: str, inputs: dict[str, object]) -> None:
        super().__init__(resource_type, name, inputs)


for name, (resource_type, inputs) in json.loads(pulumi.Config("fixture").require("resources")).items():
    Plain(resource_type, name, inputs)
