import { expect, test } from 'vitest';
import { consoleLink } from './console-links.js';

test.each([
  [
    'AWS::EC2::Instance',
    'i-1',
    'eu-west-1',
    'https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#InstanceDetails:instanceId=i-1',
  ],
  [
    'AWS::Logs::LogGroup',
    '/a/b',
    'eu-west-1',
    'https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Fa$252Fb',
  ],
  [
    'AWS::CloudFormation::Stack',
    'arn:aws:cloudformation:x',
    'cn-north-1',
    'https://cn-north-1.console.amazonaws.cn/cloudformation/home?region=cn-north-1#/stacks/resources?stackId=arn%3Aaws%3Acloudformation%3Ax',
  ],
  [
    'AWS::S3::Bucket',
    'b',
    'us-gov-east-1',
    'https://us-gov-east-1.console.amazonaws-us-gov.com/s3/buckets/b?region=us-gov-east-1',
  ],
  ['AWS::EC2::Route', 'r', 'eu-west-1', undefined],
  ['AWS::EC2::Instance', '', 'eu-west-1', undefined],
])('the page of %s %j in %s', (type, id, region, link) => expect(consoleLink(type, id, region)).toBe(link));
