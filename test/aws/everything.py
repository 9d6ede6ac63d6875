"""Prints, one a line, all that there is in a region: what AWS lists, whoever made it, by its own calls.

Not listed: what AWS itself keeps for a while of what is gone (ended instances, deleted stacks).
"""

import boto3

GONE = ("DELETE_COMPLETE", "terminated", "shutting-down", "deleted", "deleting")

# Service, operation, the list in its answer, what names an item, where its state is.
LISTS = [
    ("cloudformation", "describe_stacks", "Stacks", "StackName", "StackStatus"),
    ("cloudformation", "list_exports", "Exports", "Name", None),
    ("ec2", "describe_vpcs", "Vpcs", "VpcId", None),
    ("ec2", "describe_subnets", "Subnets", "SubnetId", None),
    ("ec2", "describe_security_groups", "SecurityGroups", "GroupId", None),
    ("ec2", "describe_security_group_rules", "SecurityGroupRules", "SecurityGroupRuleId", None),
    ("ec2", "describe_route_tables", "RouteTables", "RouteTableId", None),
    ("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId", None),
    ("ec2", "describe_nat_gateways", "NatGateways", "NatGatewayId", "State"),
    ("ec2", "describe_addresses", "Addresses", "AllocationId", None),
    ("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", "State"),
    ("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId", None),
    ("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId", None),
    ("ec2", "describe_volumes", "Volumes", "VolumeId", None),
    ("efs", "describe_file_systems", "FileSystems", "FileSystemId", "LifeCycleState"),
    ("efs", "describe_access_points", "AccessPoints", "AccessPointId", "LifeCycleState"),
    ("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerArn", None),
    ("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupArn", None),
    ("iam", "list_roles", "Roles", "RoleName", None),
    ("iam", "list_instance_profiles", "InstanceProfiles", "InstanceProfileName", None),
    ("logs", "describe_log_groups", "logGroups", "logGroupName", None),
    ("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier", None),
    ("rds", "describe_db_snapshots", "DBSnapshots", "DBSnapshotIdentifier", None),
    ("rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName", None),
    ("route53", "list_hosted_zones", "HostedZones", "Id", None),
    ("s3", "list_buckets", "Buckets", "Name", None),
    ("secretsmanager", "list_secrets", "SecretList", "ARN", None),
]


def main():
    session = boto3.Session()
    clients = {service: session.client(service) for service in {each[0] for each in LISTS} | {"s3"}}
    for service, operation, within, name, state in LISTS:
        client = clients[service]
        call = getattr(client, operation)
        pages = client.get_paginator(operation).paginate() if client.can_paginate(operation) else [call()]
        for page in pages:
            for item in page.get(within, []):
                if state is None or item.get(state) not in GONE:
                    print(service, operation, item[name])
    for reservation in clients["ec2"].describe_instances()["Reservations"]:
        for instance in reservation["Instances"]:
            if instance["State"]["Name"] not in GONE:
                print("ec2 instance", instance["InstanceId"])
    # moto forgets those of instances that were ended, also when their subnet is gone, in which there can be none.
    subnets = {it["SubnetId"] for it in clients["ec2"].describe_subnets()["Subnets"]}
    for interface in clients["ec2"].describe_network_interfaces()["NetworkInterfaces"]:
        if interface["SubnetId"] in subnets:
            print("ec2 interface", interface["NetworkInterfaceId"])
    for bucket in clients["s3"].list_buckets()["Buckets"]:
        versions = clients["s3"].list_object_versions(Bucket=bucket["Name"])
        for item in versions.get("Versions", []) + versions.get("DeleteMarkers", []):
            print("s3 object", bucket["Name"], item["Key"], item["VersionId"])


main()
