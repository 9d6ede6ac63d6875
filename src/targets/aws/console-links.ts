/** The page of AWS' console for a resource, by its type: what follows the console's address. `id` is encoded. */
const PAGES: Readonly<Record<string, (id: string, region: string) => string>> = {
  'AWS::CloudFormation::Stack': (id, region) => `cloudformation/home?region=${region}#/stacks/resources?stackId=${id}`,
  'AWS::EC2::Instance': (id, region) => `ec2/home?region=${region}#InstanceDetails:instanceId=${id}`,
  'AWS::EC2::LaunchTemplate': (id, region) => `ec2/home?region=${region}#LaunchTemplateDetails:launchTemplateId=${id}`,
  'AWS::EC2::SecurityGroup': (id, region) => `ec2/home?region=${region}#SecurityGroup:groupId=${id}`,
  'AWS::EC2::VPC': (id, region) => `vpcconsole/home?region=${region}#VpcDetails:VpcId=${id}`,
  'AWS::EC2::Subnet': (id, region) => `vpcconsole/home?region=${region}#SubnetDetails:subnetId=${id}`,
  'AWS::EC2::RouteTable': (id, region) => `vpcconsole/home?region=${region}#RouteTableDetails:RouteTableId=${id}`,
  'AWS::EC2::NatGateway': (id, region) => `vpcconsole/home?region=${region}#NatGatewayDetails:natGatewayId=${id}`,
  'AWS::EC2::InternetGateway': (id, region) =>
    `vpcconsole/home?region=${region}#InternetGateway:internetGatewayId=${id}`,
  'AWS::EC2::VPCEndpoint': (id, region) => `vpcconsole/home?region=${region}#EndpointDetails:vpcEndpointId=${id}`,
  'AWS::EFS::FileSystem': (id, region) => `efs/home?region=${region}#/file-systems/${id}`,
  'AWS::ElasticLoadBalancingV2::LoadBalancer': (id, region) =>
    `ec2/home?region=${region}#LoadBalancer:loadBalancerArn=${id}`,
  'AWS::ElasticLoadBalancingV2::TargetGroup': (id, region) =>
    `ec2/home?region=${region}#TargetGroup:targetGroupArn=${id}`,
  'AWS::IAM::Role': (id) => `iam/home#/roles/${id}`,
  // CloudWatch's console encodes twice, with a dollar sign for the percent sign.
  'AWS::Logs::LogGroup': (id, region) =>
    `cloudwatch/home?region=${region}#logsV2:log-groups/log-group/${id.replaceAll('%', '$25')}`,
  'AWS::RDS::DBInstance': (id, region) => `rds/home?region=${region}#database:id=${id};is-cluster=false`,
  'AWS::Route53::HostedZone': (id) => `route53/v2/hostedzones#ListRecordSets/${id}`,
  'AWS::S3::Bucket': (id, region) => `s3/buckets/${id}?region=${region}`,
};

/** Undefined for what has no page of its own: it is in the list of its stack. */
export function consoleLink(resourceType: string, id: string, region: string): string | undefined {
  const page = PAGES[resourceType];
  if (page === undefined || id === '') return undefined;
  return `https://${hostOf(region)}/${page(encodeURIComponent(id), region)}`;
}

function hostOf(region: string): string {
  if (region.startsWith('cn-')) return `${region}.console.amazonaws.cn`;
  if (region.startsWith('us-gov-')) return `${region}.console.amazonaws-us-gov.com`;
  return `${region}.console.aws.amazon.com`;
}
