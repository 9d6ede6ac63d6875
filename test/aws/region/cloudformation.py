"""The API of CloudFormation over `lifecycle`: what its client can ask for, with the answers and the errors that AWS documents."""

import uuid
from urllib.parse import urlparse

from moto.cloudformation.exceptions import AlreadyExistsException, CloudFormationError, ValidationError
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult, EmptyResult

import lifecycle
from lifecycle import in_background
from stacks import Stack, now
from templates import TemplateError, parse_template

#: What a template may have inline.
MAX_BODY = 51200
EVENTS_PER_PAGE = 100
NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."


class InsufficientCapabilities(CloudFormationError):
    code = "InsufficientCapabilitiesException"


class ChangeSetNotFound(CloudFormationError):
    code = "ChangeSetNotFound"


def refuse(message):
    raise ValidationError(message=message)


class CloudFormation(CloudFormationResponse):
    """One request. `emulated` is the region, set by the server."""

    RESPONSE_KEY_PATH_TO_TRANSFORMER = {}
    emulated = None

    def _stack(self, deleted=False):
        name = self._get_param("StackName")
        for stack in reversed(self.emulated.stacks):
            gone = stack.status == "DELETE_COMPLETE"
            named = name == stack.id or (name == stack.name and not gone)
            if named and (deleted or not gone):
                return stack
        return refuse(f"Stack with id {name} does not exist" if deleted else f"Stack [{name}] does not exist")

    def _body(self, stack=None):
        if self._get_param("UsePreviousTemplate"):
            return stack.body
        url = self._get_param("TemplateURL")
        body = self._get_param("TemplateBody")
        if url:
            return self._object(url)
        if not body:
            refuse("Either Template URL or Template Body must be specified.")
        if len(body.encode()) > MAX_BODY:
            refuse(
                f"1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to {MAX_BODY}"
            )
        return body

    def _object(self, url):
        parsed = urlparse(url)
        own = parsed.netloc in self.emulated.endpoint or parsed.netloc.split(".")[0] in (
            "s3",
            f"s3-{self.emulated.name}",
        )
        path = parsed.path.lstrip("/")
        bucket, key = path.split("/", 1) if own else (parsed.netloc.split(".")[0], path)
        try:
            return self.emulated.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        except Exception as error:
            return refuse(f"S3 error: {error}")

    def _parameters(self, previous):
        return {
            it["ParameterKey"]: previous.get(it["ParameterKey"])
            if it.get("UsePreviousValue")
            else it.get("ParameterValue", "")
            for it in self._get_param("Parameters", [])
        }

    def _tags(self):
        return {tag["Key"]: tag["Value"] for tag in self._get_param("Tags", [])}

    def _prepared(self, stack, body):
        """@returns template and parameters, once there is nothing that CloudFormation refuses before it begins"""
        try:
            template = parse_template(body)
            parameters = self._parameters(stack.parameters)
            lifecycle.check(stack, template, parameters)
        except TemplateError as error:
            refuse(str(error))
        iam = [it for it in template["Resources"].values() if it["Type"].startswith("AWS::IAM::")]
        named = any(
            key in it.get("Properties", {})
            for it in iam
            for key in ("RoleName", "InstanceProfileName", "ManagedPolicyName")
        )
        needed = "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"
        if iam and not {needed, "CAPABILITY_NAMED_IAM"} & set(self._get_param("Capabilities", [])):
            raise InsufficientCapabilities(f"Requires capabilities : [{needed}]")
        for name, it in template["Resources"].items():
            if name in stack.live and stack.live[name].type_name != it["Type"]:
                refuse(
                    f"Update of resource type is not permitted. The new template modifies resource type of the following resources: [{name}]"
                )
        return template, parameters

    def create_stack(self):
        name = self._get_param("StackName")
        if any(it.name == name and it.status != "DELETE_COMPLETE" for it in self.emulated.stacks):
            raise AlreadyExistsException(f"Stack [{name}] already exists")
        stack = Stack(self.emulated, name, self._tags())
        body = self._body()
        template, parameters = self._prepared(stack, body)
        stack.token = self._get_param("ClientRequestToken")
        stack.protected = bool(self._get_param("EnableTerminationProtection"))
        on_failure = "DO_NOTHING" if self._get_param("DisableRollback") else self._get_param("OnFailure") or "ROLLBACK"
        self.emulated.stacks.append(stack)
        stack.to("CREATE_IN_PROGRESS", "User Initiated")
        in_background(stack, lambda: lifecycle.create(stack, body, template, parameters, on_failure))
        return ActionResult({"StackId": stack.id})

    def update_stack(self):
        stack = self._stack()
        self._check_updatable(stack)
        body = self._body(stack)
        template, parameters = self._prepared(stack, body)
        tags = self._tags() if "Tags" in self.params else stack.tags
        if not differs(stack, template, parameters, tags):
            refuse("No updates are to be performed.")
        self._start_update(stack, body, template, parameters, tags, bool(self._get_param("DisableRollback")))
        return ActionResult({"StackId": stack.id})

    def _check_updatable(self, stack):
        if stack.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_FAILED"):
            refuse(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")

    def _start_update(self, stack, body, template, parameters, tags, disable_rollback=False):
        stack.token = self._get_param("ClientRequestToken")
        stack.updated = now()
        stack.to("UPDATE_IN_PROGRESS", "User Initiated")
        in_background(stack, lambda: lifecycle.update(stack, body, template, parameters, tags, disable_rollback))

    def delete_stack(self):
        """Of a stack that is not there, nothing, and no error."""
        name = self._get_param("StackName")
        stack = next(
            (it for it in self.emulated.stacks if name in (it.name, it.id) and it.status != "DELETE_COMPLETE"), None
        )
        if stack is None:
            return EmptyResult()
        if stack.protected:
            refuse(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
        if stack.status.startswith("UPDATE_") and stack.status.endswith("_IN_PROGRESS"):
            refuse(f"Stack [{stack.name}] cannot be deleted while in status {stack.status}")
        if stack.status == "DELETE_IN_PROGRESS":
            return EmptyResult()
        stack.token = self._get_param("ClientRequestToken")
        retained = self._get_param("RetainResources", [])
        creating = stack.status == "CREATE_IN_PROGRESS"
        stack.to("DELETE_IN_PROGRESS", "User Initiated")
        if creating:
            stack.cancelled = True
        else:
            in_background(stack, lambda: lifecycle.delete(stack, retained))
        return EmptyResult()

    def continue_update_rollback(self):
        stack = self._stack()
        if stack.status != "UPDATE_ROLLBACK_FAILED":
            refuse(f"Stack:{stack.id} is in {stack.status} state and can not continue the rollback")
        stack.to("UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated")
        in_background(stack, lambda: lifecycle.continue_rollback(stack))
        return ActionResult({})

    def update_termination_protection(self):
        stack = self._stack()
        stack.protected = bool(self._get_param("EnableTerminationProtection"))
        return ActionResult({"StackId": stack.id})

    def describe_stacks(self):
        if self._get_param("StackName"):
            found = [self._stack(deleted=True)]
        else:
            found = [stack for stack in self.emulated.stacks if stack.status != "DELETE_COMPLETE"]
        return ActionResult({"Stacks": [described(stack) for stack in found]})

    def list_stacks(self):
        wanted = self._get_param("StackStatusFilter", [])
        found = [described(stack) for stack in self.emulated.stacks if not wanted or stack.status in wanted]
        return ActionResult({"StackSummaries": found})

    def describe_stack_events(self):
        """The newest first, in pages."""
        events = self._stack(deleted=True).events[::-1]
        start = int(self._get_param("NextToken") or 0)
        page = events[start : start + EVENTS_PER_PAGE]
        more = start + EVENTS_PER_PAGE < len(events)
        return ActionResult({"StackEvents": page, **({"NextToken": str(start + EVENTS_PER_PAGE)} if more else {})})

    def _resources(self, stack):
        wanted = self._get_param("LogicalResourceId")
        return [
            {
                "StackId": stack.id,
                "StackName": stack.name,
                "LogicalResourceId": live.logical_id,
                "PhysicalResourceId": live.physical_id,
                "ResourceType": live.type_name,
                "ResourceStatus": live.status,
                "ResourceStatusReason": live.reason,
                "Timestamp": live.changed,
                "LastUpdatedTimestamp": live.changed,
            }
            for live in list(stack.live.values())
            if wanted in (None, live.logical_id)
        ]

    def describe_stack_resources(self):
        return ActionResult({"StackResources": self._resources(self._stack(deleted=True))})

    def list_stack_resources(self):
        return ActionResult({"StackResourceSummaries": self._resources(self._stack(deleted=True))})

    def describe_stack_resource(self):
        stack = self._stack(deleted=True)
        found = self._resources(stack)
        if not found:
            refuse(f"Resource {self._get_param('LogicalResourceId')} does not exist for stack {stack.name}")
        return ActionResult({"StackResourceDetail": found[0]})

    def get_template(self):
        return ActionResult(
            {"TemplateBody": self._stack(deleted=True).body, "StagesAvailable": ["Original", "Processed"]}
        )

    def get_template_summary(self):
        template = parse_template(self._body() if not self._get_param("StackName") else self._stack().body)
        parameters = [
            {"ParameterKey": key, "ParameterType": it["Type"], "DefaultValue": it.get("Default")}
            for key, it in (template.get("Parameters") or {}).items()
        ]
        types = sorted({it["Type"] for it in template["Resources"].values()})
        return ActionResult({"Parameters": parameters, "ResourceTypes": types})

    # Change sets.

    def create_change_set(self):
        name, kind = self._get_param("StackName"), self._get_param("ChangeSetType") or "UPDATE"
        creating = kind == "CREATE"
        if creating and not any(
            it.name == name and it.status not in ("DELETE_COMPLETE",) for it in self.emulated.stacks
        ):
            stack = Stack(self.emulated, name, self._tags())
            stack.to("REVIEW_IN_PROGRESS", "User Initiated")
            self.emulated.stacks.append(stack)
        stack = self._stack()
        if creating and stack.status != "REVIEW_IN_PROGRESS":
            refuse(
                f"Stack [{stack.name}] already exists and cannot be created again with the changeSet [{self._get_param('ChangeSetName')}]."
            )
        if not creating:
            self._check_updatable(stack)
        body = self._body(stack)
        template, parameters = self._prepared(stack, body)
        tags = self._tags()
        change_set_name = self._get_param("ChangeSetName")
        arn = stack.id.replace(":stack/", ":changeSet/").replace(f"/{stack.name}/", f"/{change_set_name}/")
        changed = creating or differs(stack, template, parameters, tags)
        stack.change_sets[change_set_name] = {
            "ChangeSetId": f"{arn.rsplit('/', 1)[0]}/{uuid.uuid4()}",
            "ChangeSetName": change_set_name,
            "StackId": stack.id,
            "StackName": stack.name,
            "CreationTime": now(),
            "Status": "CREATE_COMPLETE" if changed else "FAILED",
            "ExecutionStatus": "AVAILABLE" if changed else "UNAVAILABLE",
            "Changes": changes(stack, template),
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
            **({} if changed else {"StatusReason": NO_CHANGES}),
            "_": (creating, body, template, parameters, tags, self._get_param("OnStackFailure") or "ROLLBACK"),
        }
        return ActionResult({"Id": stack.change_sets[change_set_name]["ChangeSetId"], "StackId": stack.id})

    def _change_set(self):
        wanted = self._get_param("ChangeSetName")
        name = self._get_param("StackName")
        for stack in reversed(self.emulated.stacks):
            for it in stack.change_sets.values():
                if wanted == it["ChangeSetId"] or (wanted == it["ChangeSetName"] and name in (stack.name, stack.id)):
                    return stack, it
        raise ChangeSetNotFound(f"ChangeSet [{wanted}] does not exist")

    def describe_change_set(self):
        return ActionResult({key: value for key, value in self._change_set()[1].items() if key != "_"})

    def list_change_sets(self):
        found = self._stack().change_sets.values()
        return ActionResult(
            {"Summaries": [{key: value for key, value in it.items() if key not in ("_", "Changes")} for it in found]}
        )

    def delete_change_set(self):
        try:
            stack, found = self._change_set()
            del stack.change_sets[found["ChangeSetName"]]
        except ChangeSetNotFound:
            pass
        return EmptyResult()

    def execute_change_set(self):
        stack, found = self._change_set()
        if found["ExecutionStatus"] != "AVAILABLE":
            refuse(
                f"ChangeSet [{found['ChangeSetId']}] cannot be executed in its current execution status of [{found['ExecutionStatus']}]"
            )
        creating, body, template, parameters, tags, on_failure = found["_"]
        found["ExecutionStatus"] = "EXECUTE_COMPLETE"
        stack.change_sets = {}
        if creating:
            stack.token, stack.tags = self._get_param("ClientRequestToken"), tags
            stack.to("CREATE_IN_PROGRESS", "User Initiated")
            how = "DO_NOTHING" if self._get_param("DisableRollback") else on_failure
            in_background(stack, lambda: lifecycle.create(stack, body, template, parameters, how))
        else:
            self._start_update(stack, body, template, parameters, tags, bool(self._get_param("DisableRollback")))
        return EmptyResult()


def differs(stack, template, parameters, tags):
    parts = ("Resources", "Outputs", "Conditions", "Mappings")
    same = all((template.get(part) or {}) == (stack.template.get(part) or {}) for part in parts)
    return not same or parameters != stack.parameters or tags != stack.tags


def changes(stack, template):
    before, after = stack.template["Resources"], template["Resources"]
    actions = [("Add", after, set(after) - set(before)), ("Remove", before, set(before) - set(after))]
    actions.append(("Modify", after, {name for name in set(before) & set(after) if before[name] != after[name]}))
    return [
        {
            "Type": "Resource",
            "ResourceChange": {"Action": action, "LogicalResourceId": name, "ResourceType": where[name]["Type"]},
        }
        for action, where, names in actions
        for name in sorted(names)
    ]


def described(stack):
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "StackStatus": stack.status,
        "CreationTime": stack.created,
        "DisableRollback": False,
        "EnableTerminationProtection": stack.protected,
        "Outputs": stack.outputs,
        "Parameters": [{"ParameterKey": key, "ParameterValue": str(value)} for key, value in stack.parameters.items()],
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        **({"StackStatusReason": stack.reason} if stack.reason else {}),
        **({"LastUpdatedTime": stack.updated} if stack.updated else {}),
        **({"DeletionTime": now()} if stack.status == "DELETE_COMPLETE" else {}),
    }
