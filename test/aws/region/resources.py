"""
How a resource of a stack is made, changed and removed: each type by calls of its own service's API, as CloudFormation does it.
What a type is like is in `types_*.py`; one that is not there falls back to what moto's own CloudFormation knows of it.
"""

import random
import string

REGISTRY = {}


def resource(type_name):
    def register(cls):
        REGISTRY[type_name] = cls()
        return cls

    return register


class Made:
    """A resource that exists: its physical id (what Ref gives), and what GetAtt gives."""

    def __init__(self, physical_id, attributes=None):
        self.physical_id = physical_id
        self.attributes = attributes or {}

    def attribute(self, name):
        if name not in self.attributes:
            raise KeyError(f"Requested attribute {name} does not exist in schema")
        value = self.attributes[name]
        return value() if callable(value) else value


class Type:
    """One resource type. Properties not in `updatable` cost a replacement when they change."""

    updatable = frozenset()

    def create(self, context, properties):
        raise NotImplementedError

    def settled(self, context, made, properties):
        """Whether the resource is ready; raises where it never will be."""
        return True

    def update(self, context, made, old, new):
        """Changes the resource in place; the attributes that follow are changed in `made`."""
        raise NotImplementedError

    def delete(self, context, made, properties):
        raise NotImplementedError

    def snapshot(self, context, made, properties):
        """What DeletionPolicy Snapshot keeps."""
        raise NotImplementedError


class Context:
    """What a type is given: clients of the region's services, and of which stack and resource this is about."""

    def __init__(self, region, stack, logical_id):
        self.region = region
        self.stack = stack
        self.logical_id = logical_id

    def __getattr__(self, service):
        return self.region.client(service.replace("_", "-"))

    def name(self, longest=64, lower=False):
        """A physical name as CloudFormation makes them: the stack's, the logical id, and something random."""
        suffix = "".join(random.choices(string.ascii_uppercase + string.digits, k=12))
        keep = longest - len(suffix) - 2
        logical = self.logical_id[: keep // 2]
        name = f"{self.stack.name[: keep - len(logical)].rstrip('-')}-{logical}-{suffix}"
        return name.lower() if lower else name

    def tags(self, properties, key="Tags"):
        """Those of the resource, of the stack, and CloudFormation's own: the resource's win over the stack's."""
        return tags_of(self.stack, self.logical_id, properties.get(key, []))

    def tagged(self, kind, properties):
        return [{"ResourceType": kind, "Tags": self.tags(properties)}]


def tags_of(stack, logical_id, own):
    merged = {**stack.tags, **{tag["Key"]: str(tag["Value"]) for tag in own}}
    merged |= {
        "aws:cloudformation:stack-name": stack.name,
        "aws:cloudformation:stack-id": stack.id,
        "aws:cloudformation:logical-id": logical_id,
    }
    return [{"Key": key, "Value": value} for key, value in merged.items()]


def pick(properties, *names):
    return {name: properties[name] for name in names if name in properties}


class MotoType(Type):
    """A type as moto itself knows it: made, and removed; any change is a replacement."""

    def __init__(self, type_name, model):
        self.type_name = type_name
        self.model = model

    def create(self, context, properties):
        region, stack = context.region, context.stack
        made = self.model.create_from_cloudformation_json(
            properties.get(self.model.cloudformation_name_type()) or context.name(),
            {"Type": self.type_name, "Properties": properties},
            region.account,
            region.name,
            LogicalId=context.logical_id,
            StackId=stack.id,
            ResourceType=self.type_name,
        )
        found = Made(made.physical_resource_id)
        found.attribute = made.get_cfn_attribute
        found.model = made
        return found

    def delete(self, context, made, properties):
        region = context.region
        if hasattr(made.model, "delete"):
            made.model.delete(region.account, region.name)
        else:
            self.model.delete_from_cloudformation_json(
                made.physical_id, {"Type": self.type_name, "Properties": properties}, region.account, region.name
            )


def type_of(type_name):
    """None where nobody knows the type."""
    if type_name not in REGISTRY:
        from moto.cloudformation.parsing import get_model_map

        model = get_model_map().get(type_name)
        if model is None:
            return None
        REGISTRY[type_name] = MotoType(type_name, model)
    return REGISTRY[type_name]
