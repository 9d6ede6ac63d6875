"""Launch templates, instances, load balancers, private names."""

import base64

from resources import Made, Type, pick, resource
from types_network import Ec2Type


@resource("AWS::EC2::LaunchTemplate")
class LaunchTemplate(Ec2Type):
    updatable = frozenset({"LaunchTemplateData", "VersionDescription"})

    def create(self, context, properties):
        template = context.ec2.create_launch_template(
            LaunchTemplateName=properties.get("LaunchTemplateName") or context.name(128),
            LaunchTemplateData=properties["LaunchTemplateData"],
            TagSpecifications=[{"ResourceType": "launch-template", "Tags": self._tags(context, properties)}],
        )["LaunchTemplate"]
        return self._made(context, template["LaunchTemplateId"])

    def _tags(self, context, properties):
        own = [tag for it in properties.get("TagSpecifications", []) for tag in it["Tags"]]
        return context.tags({"Tags": own})

    def _made(self, context, template_id):
        def describe(key):
            found = context.ec2.describe_launch_templates(LaunchTemplateIds=[template_id])["LaunchTemplates"][0]
            return str(found[key])

        return Made(
            template_id,
            {
                "LaunchTemplateId": template_id,
                "LatestVersionNumber": lambda: describe("LatestVersionNumber"),
                "DefaultVersionNumber": lambda: describe("DefaultVersionNumber"),
            },
        )

    def update(self, context, made, old, new):
        """Each change is a version more; the default one stays."""
        context.ec2.create_launch_template_version(
            LaunchTemplateId=made.physical_id, LaunchTemplateData=new["LaunchTemplateData"]
        )

    def delete(self, context, made, properties):
        context.ec2.delete_launch_template(LaunchTemplateId=made.physical_id)


@resource("AWS::EC2::Instance")
class Instance(Ec2Type):
    def create(self, context, properties):
        given = pick(
            properties,
            "ImageId", "InstanceType", "SubnetId", "SecurityGroupIds", "PrivateIpAddress", "UserData", "LaunchTemplate",
            "BlockDeviceMappings", "MetadataOptions", "InstanceInitiatedShutdownBehavior", "DisableApiTermination", "KeyName",
            "EbsOptimized",
        )  # fmt: skip
        if "IamInstanceProfile" in properties:
            given["IamInstanceProfile"] = {"Name": properties["IamInstanceProfile"]}
        if "UserData" in given:
            # The API's client encodes what the template has encoded already.
            given["UserData"] = base64.b64decode(given["UserData"])
        instance = context.ec2.run_instances(
            MinCount=1, MaxCount=1, TagSpecifications=context.tagged("instance", properties), **given
        )["Instances"][0]
        return Made(
            instance["InstanceId"],
            {
                "InstanceId": instance["InstanceId"],
                "PrivateIp": instance["PrivateIpAddress"],
                "PrivateDnsName": instance["PrivateDnsName"],
                "AvailabilityZone": instance["Placement"]["AvailabilityZone"],
                "VpcId": instance["VpcId"],
            },
        )

    def settled(self, context, made, properties):
        state = self._state(context, made)
        if state in ("shutting-down", "terminated", "stopping", "stopped"):
            raise RuntimeError(
                f"Instance {made.physical_id} failed to stabilize. Current state: {state}. Reason: instance ended"
            )
        return state == "running"

    def _state(self, context, made):
        return context.ec2.describe_instances(InstanceIds=[made.physical_id])["Reservations"][0]["Instances"][0][
            "State"
        ]["Name"]

    def delete(self, context, made, properties):
        context.ec2.terminate_instances(InstanceIds=[made.physical_id])


@resource("AWS::ElasticLoadBalancingV2::LoadBalancer")
class LoadBalancer(Type):
    def create(self, context, properties):
        given = pick(properties, "Scheme", "Type", "Subnets", "SubnetMappings", "SecurityGroups", "IpAddressType")
        balancer = context.elbv2.create_load_balancer(
            Name=properties.get("Name") or context.name(32), Tags=context.tags(properties), **given
        )["LoadBalancers"][0]
        arn = balancer["LoadBalancerArn"]
        attributes = properties.get("LoadBalancerAttributes")
        if attributes:
            context.elbv2.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=attributes)
        return Made(
            arn,
            {
                "LoadBalancerArn": arn,
                "DNSName": balancer["DNSName"],
                "CanonicalHostedZoneID": balancer.get("CanonicalHostedZoneId", "Z3F0SRJ5LGBH90"),
                "LoadBalancerName": balancer["LoadBalancerName"],
                "LoadBalancerFullName": arn.split("loadbalancer/")[1],
            },
        )

    def delete(self, context, made, properties):
        off = [{"Key": "deletion_protection.enabled", "Value": "false"}]
        context.elbv2.modify_load_balancer_attributes(LoadBalancerArn=made.physical_id, Attributes=off)
        context.elbv2.delete_load_balancer(LoadBalancerArn=made.physical_id)


@resource("AWS::ElasticLoadBalancingV2::TargetGroup")
class TargetGroup(Type):
    updatable = frozenset({"Targets", "TargetGroupAttributes"})

    def create(self, context, properties):
        given = {
            key: it for key, it in properties.items() if key not in ("Tags", "Targets", "TargetGroupAttributes", "Name")
        }
        arn = context.elbv2.create_target_group(
            Name=properties.get("Name") or context.name(32), Tags=context.tags(properties), **given
        )["TargetGroups"][0]["TargetGroupArn"]
        made = Made(arn, {"TargetGroupArn": arn, "TargetGroupFullName": arn.split(":")[-1]})
        self.update(context, made, {}, properties)
        return made

    def update(self, context, made, old, new):
        before, after = old.get("Targets", []), new.get("Targets", [])
        gone, come = [it for it in before if it not in after], [it for it in after if it not in before]
        if gone:
            context.elbv2.deregister_targets(TargetGroupArn=made.physical_id, Targets=gone)
        if come:
            context.elbv2.register_targets(TargetGroupArn=made.physical_id, Targets=come)
        if new.get("TargetGroupAttributes", []) != old.get("TargetGroupAttributes", []):
            context.elbv2.modify_target_group_attributes(
                TargetGroupArn=made.physical_id, Attributes=new["TargetGroupAttributes"]
            )

    def delete(self, context, made, properties):
        context.elbv2.delete_target_group(TargetGroupArn=made.physical_id)


@resource("AWS::ElasticLoadBalancingV2::Listener")
class Listener(Type):
    def create(self, context, properties):
        given = {key: it for key, it in properties.items() if key != "ListenerAttributes"}
        arn = context.elbv2.create_listener(**given)["Listeners"][0]["ListenerArn"]
        return Made(arn, {"ListenerArn": arn})

    def delete(self, context, made, properties):
        context.elbv2.delete_listener(ListenerArn=made.physical_id)


@resource("AWS::Route53::HostedZone")
class HostedZone(Type):
    def create(self, context, properties):
        networks = properties.get("VPCs", [])
        given = {"VPC": networks[0]} if networks else {}
        zone = context.route53.create_hosted_zone(
            Name=properties["Name"],
            CallerReference=context.name(),
            HostedZoneConfig={"PrivateZone": bool(networks)},
            **given,
        )["HostedZone"]["Id"].split("/")[-1]
        for network in networks[1:]:
            context.route53.associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC=network)
        return Made(zone, {"Id": zone})

    def delete(self, context, made, properties):
        context.route53.delete_hosted_zone(Id=made.physical_id)


def record_of(properties):
    record = {"Name": properties["Name"], "Type": properties["Type"]}
    if "AliasTarget" in properties:
        record["AliasTarget"] = {"EvaluateTargetHealth": False, **properties["AliasTarget"]}
    else:
        record["TTL"] = properties.get("TTL", 300)
        record["ResourceRecords"] = [{"Value": value} for value in properties["ResourceRecords"]]
    return record | pick(properties, "SetIdentifier", "Weight", "MultiValueAnswer", "HealthCheckId")


@resource("AWS::Route53::RecordSet")
class RecordSet(Type):
    updatable = frozenset({"TTL", "ResourceRecords", "AliasTarget", "Weight", "MultiValueAnswer", "Comment"})

    def _change(self, context, action, properties):
        context.route53.change_resource_record_sets(
            HostedZoneId=properties["HostedZoneId"],
            ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record_of(properties)}]},
        )

    def create(self, context, properties):
        """CREATE: a name that is there already is an error, also from the same stack's update before its clean-up."""
        self._change(context, "CREATE", properties)
        return Made(properties["Name"].rstrip("."))

    def update(self, context, made, old, new):
        self._change(context, "UPSERT", new)

    def delete(self, context, made, properties):
        self._change(context, "DELETE", properties)
