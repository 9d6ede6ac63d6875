"""VPCs and what is in them."""

import json

from botocore.exceptions import ClientError

from resources import Made, Type, pick, resource


class Ec2Type(Type):
    """What has tags by EC2's API; only they change in place, unless a type says more."""

    updatable = frozenset({"Tags"})

    def update(self, context, made, old, new):
        gone = {tag["Key"] for tag in old.get("Tags", [])} - {tag["Key"] for tag in new.get("Tags", [])}
        if gone:
            context.ec2.delete_tags(Resources=[made.physical_id], Tags=[{"Key": key} for key in gone])
        tags = [tag for tag in context.tags(new) if not tag["Key"].startswith("aws:")]
        if tags:
            context.ec2.create_tags(Resources=[made.physical_id], Tags=tags)


@resource("AWS::EC2::VPC")
class Vpc(Ec2Type):
    updatable = frozenset({"Tags", "EnableDnsSupport", "EnableDnsHostnames"})

    def create(self, context, properties):
        ec2 = context.ec2
        vpc = ec2.create_vpc(CidrBlock=properties["CidrBlock"], TagSpecifications=context.tagged("vpc", properties))[
            "Vpc"
        ]
        self._dns(context, vpc["VpcId"], properties)
        filters = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
        group = ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]
        return Made(
            vpc["VpcId"],
            {
                "VpcId": vpc["VpcId"],
                "CidrBlock": vpc["CidrBlock"],
                "DefaultSecurityGroup": group,
                "CidrBlockAssociations": [],
            },
        )

    def _dns(self, context, vpc_id, properties):
        for name in ("EnableDnsSupport", "EnableDnsHostnames"):
            if name in properties:
                context.ec2.modify_vpc_attribute(VpcId=vpc_id, **{name: {"Value": properties[name]}})

    def update(self, context, made, old, new):
        super().update(context, made, old, new)
        self._dns(context, made.physical_id, new)

    def delete(self, context, made, properties):
        context.ec2.delete_vpc(VpcId=made.physical_id)


@resource("AWS::EC2::Subnet")
class Subnet(Ec2Type):
    updatable = frozenset({"Tags", "MapPublicIpOnLaunch"})

    def create(self, context, properties):
        subnet = context.ec2.create_subnet(
            **pick(properties, "VpcId", "CidrBlock", "AvailabilityZone"),
            TagSpecifications=context.tagged("subnet", properties),
        )["Subnet"]
        self._public(context, subnet["SubnetId"], properties)
        return Made(
            subnet["SubnetId"], {key: subnet.get(key) for key in ("SubnetId", "VpcId", "CidrBlock", "AvailabilityZone")}
        )

    def _public(self, context, subnet_id, properties):
        context.ec2.modify_subnet_attribute(
            SubnetId=subnet_id, MapPublicIpOnLaunch={"Value": properties.get("MapPublicIpOnLaunch", False)}
        )

    def update(self, context, made, old, new):
        super().update(context, made, old, new)
        self._public(context, made.physical_id, new)

    def delete(self, context, made, properties):
        users = context.ec2.describe_instances(
            Filters=[
                {"Name": "subnet-id", "Values": [made.physical_id]},
                {
                    "Name": "instance-state-name",
                    "Values": ["pending", "running", "stopping", "stopped", "shutting-down"],
                },
            ]
        )["Reservations"]
        if users:
            raise RuntimeError(
                f"The subnet '{made.physical_id}' has dependencies and cannot be deleted. (Service: Ec2, Status Code: 400)"
            )
        context.ec2.delete_subnet(SubnetId=made.physical_id)


@resource("AWS::EC2::RouteTable")
class RouteTable(Ec2Type):
    def create(self, context, properties):
        table = context.ec2.create_route_table(
            VpcId=properties["VpcId"], TagSpecifications=context.tagged("route-table", properties)
        )["RouteTable"]["RouteTableId"]
        return Made(table, {"RouteTableId": table})

    def delete(self, context, made, properties):
        context.ec2.delete_route_table(RouteTableId=made.physical_id)


@resource("AWS::EC2::SubnetRouteTableAssociation")
class SubnetRouteTableAssociation(Type):
    def create(self, context, properties):
        association = context.ec2.associate_route_table(**pick(properties, "RouteTableId", "SubnetId"))["AssociationId"]
        return Made(association, {"Id": association})

    def delete(self, context, made, properties):
        context.ec2.disassociate_route_table(AssociationId=made.physical_id)


@resource("AWS::EC2::Route")
class Route(Type):
    def create(self, context, properties):
        context.ec2.create_route(**properties)
        return Made(f"{properties['RouteTableId']}|{properties.get('DestinationCidrBlock')}")

    def delete(self, context, made, properties):
        context.ec2.delete_route(**pick(properties, "RouteTableId", "DestinationCidrBlock"))


@resource("AWS::EC2::InternetGateway")
class InternetGateway(Ec2Type):
    def create(self, context, properties):
        gateway = context.ec2.create_internet_gateway(TagSpecifications=context.tagged("internet-gateway", properties))
        gateway_id = gateway["InternetGateway"]["InternetGatewayId"]
        return Made(gateway_id, {"InternetGatewayId": gateway_id})

    def delete(self, context, made, properties):
        context.ec2.delete_internet_gateway(InternetGatewayId=made.physical_id)


@resource("AWS::EC2::VPCGatewayAttachment")
class GatewayAttachment(Type):
    def create(self, context, properties):
        context.ec2.attach_internet_gateway(**pick(properties, "VpcId", "InternetGatewayId"))
        return Made(f"IGW|{properties['VpcId']}")

    def delete(self, context, made, properties):
        context.ec2.detach_internet_gateway(**pick(properties, "VpcId", "InternetGatewayId"))


@resource("AWS::EC2::EIP")
class Eip(Ec2Type):
    def create(self, context, properties):
        address = context.ec2.allocate_address(Domain="vpc", TagSpecifications=context.tagged("elastic-ip", properties))
        return Made(address["PublicIp"], pick(address, "AllocationId", "PublicIp"))

    def update(self, context, made, old, new):
        super().update(context, Made(made.attribute("AllocationId")), old, new)

    def delete(self, context, made, properties):
        context.ec2.release_address(AllocationId=made.attribute("AllocationId"))


@resource("AWS::EC2::NatGateway")
class NatGateway(Ec2Type):
    def create(self, context, properties):
        gateway = context.ec2.create_nat_gateway(
            **pick(properties, "SubnetId", "AllocationId"), TagSpecifications=context.tagged("natgateway", properties)
        )["NatGateway"]["NatGatewayId"]
        return Made(gateway, {"NatGatewayId": gateway})

    def delete(self, context, made, properties):
        context.ec2.delete_nat_gateway(NatGatewayId=made.physical_id)


@resource("AWS::EC2::VPCEndpoint")
class VpcEndpoint(Ec2Type):
    def create(self, context, properties):
        given = pick(
            properties,
            "VpcId",
            "ServiceName",
            "VpcEndpointType",
            "RouteTableIds",
            "SubnetIds",
            "SecurityGroupIds",
            "PrivateDnsEnabled",
        )
        if "PolicyDocument" in properties:
            given["PolicyDocument"] = json.dumps(properties["PolicyDocument"])
        endpoint = context.ec2.create_vpc_endpoint(
            **given, TagSpecifications=context.tagged("vpc-endpoint", properties)
        )
        endpoint_id = endpoint["VpcEndpoint"]["VpcEndpointId"]
        return Made(endpoint_id, {"Id": endpoint_id})

    def delete(self, context, made, properties):
        context.ec2.delete_vpc_endpoints(VpcEndpointIds=[made.physical_id])


@resource("AWS::EC2::FlowLog")
class FlowLog(Ec2Type):
    def create(self, context, properties):
        log = context.ec2.create_flow_logs(
            ResourceIds=[properties["ResourceId"]],
            **pick(
                properties,
                "ResourceType",
                "TrafficType",
                "LogDestinationType",
                "LogGroupName",
                "DeliverLogsPermissionArn",
            ),
            TagSpecifications=context.tagged("vpc-flow-log", properties),
        )["FlowLogIds"][0]
        return Made(log, {"Id": log})

    def delete(self, context, made, properties):
        context.ec2.delete_flow_logs(FlowLogIds=[made.physical_id])


def permission(rule):
    """A rule of CloudFormation as EC2's API has it."""
    it = pick(rule, "IpProtocol", "FromPort", "ToPort")
    group = rule.get("SourceSecurityGroupId") or rule.get("DestinationSecurityGroupId")
    note = pick(rule, "Description")
    if group:
        it["UserIdGroupPairs"] = [{"GroupId": group, **note}]
    if "SourcePrefixListId" in rule:
        it["PrefixListIds"] = [{"PrefixListId": rule["SourcePrefixListId"], **note}]
    if "CidrIp" in rule:
        it["IpRanges"] = [{"CidrIp": rule["CidrIp"], **note}]
    if "CidrIpv6" in rule:
        it["Ipv6Ranges"] = [{"CidrIpv6": rule["CidrIpv6"], **note}]
    return it


EVERYTHING = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


@resource("AWS::EC2::SecurityGroup")
class SecurityGroup(Ec2Type):
    updatable = frozenset({"Tags", "SecurityGroupIngress", "SecurityGroupEgress"})

    def create(self, context, properties):
        group = context.ec2.create_security_group(
            GroupName=properties.get("GroupName") or context.name(255),
            Description=properties["GroupDescription"],
            VpcId=properties["VpcId"],
            TagSpecifications=context.tagged("security-group", properties),
        )["GroupId"]
        self._rules(context, group, {}, properties)
        return Made(group, {"GroupId": group, "Id": group, "VpcId": properties["VpcId"]})

    def _rules(self, context, group, old, new):
        """A group without SecurityGroupEgress lets everything out; with it, only what it says."""
        ec2 = context.ec2
        for key, add, remove in (
            ("SecurityGroupIngress", ec2.authorize_security_group_ingress, ec2.revoke_security_group_ingress),
            ("SecurityGroupEgress", ec2.authorize_security_group_egress, ec2.revoke_security_group_egress),
        ):
            usual = [EVERYTHING] if key == "SecurityGroupEgress" else []
            before = [permission(rule) for rule in old[key]] if key in old else usual
            after = [permission(rule) for rule in new[key]] if key in new else usual
            gone, come = [it for it in before if it not in after], [it for it in after if it not in before]
            if gone:
                remove(GroupId=group, IpPermissions=gone)
            if come:
                add(GroupId=group, IpPermissions=come)

    def update(self, context, made, old, new):
        super().update(context, made, old, new)
        self._rules(context, made.physical_id, old, new)

    def delete(self, context, made, properties):
        users = context.ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [made.physical_id]}])
        if any(it["Status"] == "in-use" and lives(context, it) for it in users["NetworkInterfaces"]):
            raise RuntimeError(f"resource {made.physical_id} has a dependent object (Service: Ec2, Status Code: 400)")
        context.ec2.delete_security_group(GroupId=made.physical_id)


def lives(context, interface):
    """moto keeps the interface of an instance that was terminated."""
    instance = interface.get("Attachment", {}).get("InstanceId")
    if not instance:
        return False
    found = context.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    return found["State"]["Name"] != "terminated"


class Rule(Type):
    direction = ""

    def create(self, context, properties):
        authorize = getattr(context.ec2, f"authorize_security_group_{self.direction}")
        answer = authorize(GroupId=properties["GroupId"], IpPermissions=[permission(properties)])
        rule = (
            answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
            if answer.get("SecurityGroupRules")
            else context.name()
        )
        return Made(rule, {"Id": rule})

    def delete(self, context, made, properties):
        revoke = getattr(context.ec2, f"revoke_security_group_{self.direction}")
        try:
            revoke(GroupId=properties["GroupId"], IpPermissions=[permission(properties)])
        except ClientError as error:
            if "NotFound" not in error.response["Error"]["Code"]:
                raise


@resource("AWS::EC2::SecurityGroupIngress")
class Ingress(Rule):
    direction = "ingress"


@resource("AWS::EC2::SecurityGroupEgress")
class Egress(Rule):
    direction = "egress"
