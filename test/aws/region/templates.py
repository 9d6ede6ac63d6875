"""Templates of CloudFormation: reading them, what depends on what in them, and their intrinsic functions."""

import base64
import ipaddress
import json
import re

import yaml
from moto.cloudformation.utils import yaml_tag_constructor


class TemplateError(Exception):
    """What CloudFormation answers as ValidationError."""


class AnswerLater(Exception):
    """An attribute of a resource that is not made yet."""


def parse_template(body):
    """JSON or YAML, with the short forms of functions."""
    loader = type("Loader", (yaml.SafeLoader,), {})
    # A date stays text, as CloudFormation leaves it: `Version: 2012-10-17` of a policy.
    loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    loader.add_multi_constructor("!", lambda loader, suffix, node: yaml_tag_constructor(loader, "!" + suffix, node))
    try:
        template = yaml.load(body, Loader=loader)
    except yaml.YAMLError as error:
        raise TemplateError(f"Template format error: {error}") from error
    if not isinstance(template, dict) or not template.get("Resources"):
        raise TemplateError("Template format error: At least one Resources member must be defined.")
    for name, resource in template["Resources"].items():
        if not isinstance(resource, dict) or "Type" not in resource:
            raise TemplateError(
                f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
            )
    return template


def references(value):
    """The names that a value refers to: by Ref, GetAtt and Sub."""
    if isinstance(value, list):
        return {name for item in value for name in references(item)}
    if not isinstance(value, dict):
        return set()
    if len(value) == 1:
        ((function, argument),) = value.items()
        if function == "Ref":
            return {argument}
        if function == "Fn::GetAtt":
            return {argument[0] if isinstance(argument, list) else argument.split(".")[0]}
        if function == "Fn::Sub":
            text, given = argument if isinstance(argument, list) else (argument, {})
            names = {name.split(".")[0] for name in re.findall(r"\$\{([^!}][^}]*)\}", text)}
            return (names - set(given)) | references(list(given.values()))
    return {name for item in value.values() for name in references(item)}


def dependencies(resource):
    """Explicit by DependsOn, and implicit by references."""
    explicit = resource.get("DependsOn", [])
    return {*([explicit] if isinstance(explicit, str) else explicit), *references(resource.get("Properties", {}))}


def dependency_order(resources):
    """The names of resources, each after all that it depends on; otherwise as the template has them."""
    order, under_way = [], []

    def visit(name):
        if name in order:
            return
        if name in under_way:
            raise TemplateError(
                f"Circular dependency between resources: [{', '.join(under_way[under_way.index(name) :])}]"
            )
        under_way.append(name)
        for other in sorted(dependencies(resources[name])):
            if other in resources:
                visit(other)
        under_way.pop()
        order.append(name)

    for name in resources:
        visit(name)
    return order


class Evaluator:
    """
    Resolves intrinsic functions. `made` gives the resources that exist by their logical id, each with `physical_id` and
    `attribute(name)`; `dynamic` resolves `{{resolve:…}}`.
    """

    def __init__(self, template, parameters, pseudo, made, dynamic):
        self.template = template
        self.pseudo = pseudo
        self.made = made
        self.dynamic = dynamic
        self.parameters = self._parameters(parameters)

    def _parameters(self, given):
        declared = self.template.get("Parameters") or {}
        unknown = sorted(set(given) - set(declared))
        if unknown:
            raise TemplateError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
        missing = [name for name, spec in declared.items() if name not in given and "Default" not in spec]
        if missing:
            raise TemplateError(f"Parameters: [{', '.join(missing)}] must have values")
        values = {}
        for name, spec in declared.items():
            value = given.get(name, spec.get("Default"))
            if spec["Type"].startswith("AWS::SSM::Parameter::Value<"):
                value = self.dynamic("ssm", str(value))
            if spec["Type"].startswith("List<") or spec["Type"] == "CommaDelimitedList":
                value = [part.strip() for part in str(value).split(",")]
            values[name] = value
        return values

    def resources(self):
        """The resources whose condition holds."""
        found = {name: it for name, it in self.template["Resources"].items() if self.condition(it.get("Condition"))}
        declared = {*self.template["Resources"], *self.parameters, *self.pseudo}
        for resource in found.values():
            unresolved = sorted(dependencies(resource) - declared)
            if unresolved:
                raise TemplateError(
                    f"Template format error: Unresolved resource dependencies [{', '.join(unresolved)}] in the Resources block of the template"
                )
        return found

    def condition(self, name):
        return name is None or self._holds(self.template["Conditions"][name])

    def _holds(self, condition):
        if isinstance(condition, str):
            return self.condition(condition)
        ((function, argument),) = condition.items()
        if function == "Condition":
            return self.condition(argument)
        if function == "Fn::Equals":
            return self.value(argument[0]) == self.value(argument[1])
        if function == "Fn::Not":
            return not self._holds(argument[0])
        return {"Fn::And": all, "Fn::Or": any}[function]([self._holds(it) for it in argument])

    def value(self, value):
        """A value with all functions resolved; what is AWS::NoValue is left out of its object or list."""
        if isinstance(value, list):
            return [it for it in map(self.value, value) if it is not NO_VALUE]
        if isinstance(value, str):
            return self._dynamic(value)
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            handler = FUNCTIONS.get(function)
            if handler:
                return self._dynamic(handler(self, argument))
        resolved = {key: self.value(it) for key, it in value.items()}
        return {key: it for key, it in resolved.items() if it is not NO_VALUE}

    def _dynamic(self, value):
        if not isinstance(value, str) or "{{resolve:" not in value:
            return value
        return re.sub(r"\{\{resolve:([a-z-]+):(.+?)\}\}", lambda match: self.dynamic(match[1], match[2]), value)

    def ref(self, name):
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.pseudo:
            return self.pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        return self._resource(name).physical_id

    def get_att(self, argument):
        name, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
        return self._resource(name).attribute(self.value(attribute))

    def _resource(self, name):
        if name not in self.made:
            raise AnswerLater(name)
        return self.made[name]

    def sub(self, argument):
        text, given = argument if isinstance(argument, list) else (argument, {})

        def replace(match):
            name = match[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in given:
                return str(self.value(given[name]))
            return str(self.get_att(name) if "." in name else self.ref(name))

        return re.sub(r"\$\{([^}]+)\}", replace, text)

    def find_in_map(self, argument):
        name, top, second = map(self.value, argument[:3])
        return self.template["Mappings"][name][top][second]

    def cidr(self, argument):
        block, count, bits = [self.value(it) for it in argument]
        networks = ipaddress.ip_network(block).subnets(new_prefix=32 - int(bits))
        return [str(network) for network, _ in zip(networks, range(int(count)), strict=False)]


NO_VALUE = object()


def _text(value):
    return (
        json.dumps(value)
        if isinstance(value, (dict, list))
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
    )


FUNCTIONS = {
    "Ref": lambda e, it: e.ref(it),
    "Fn::GetAtt": lambda e, it: e.get_att(it),
    "Fn::Sub": lambda e, it: e.sub(it),
    "Fn::Join": lambda e, it: e.value(it[0]).join(_text(part) for part in e.value(it[1])),
    "Fn::Split": lambda e, it: e.value(it[1]).split(e.value(it[0])),
    "Fn::Select": lambda e, it: e.value(it[1])[int(e.value(it[0]))],
    "Fn::If": lambda e, it: e.value(it[1] if e.condition(it[0]) else it[2]),
    "Fn::GetAZs": lambda e, it: [f"{e.value(it) or e.pseudo['AWS::Region']}{zone}" for zone in "abc"],
    "Fn::Base64": lambda e, it: base64.b64encode(e.value(it).encode()).decode(),
    "Fn::FindInMap": lambda e, it: e.find_in_map(it),
    "Fn::ToJsonString": lambda e, it: json.dumps(e.value(it)),
    "Fn::Cidr": lambda e, it: e.cidr(it),
}
