import { expect, test } from 'vitest';
import { addressPlan } from './address-plan.js';

test('a VPC is divided among the subnets of both stacks, whatever its size', () => {
  expect(addressPlan('10.20.0.0/16')).toEqual({
    private: ['10.20.0.0/18', '10.20.64.0/18'],
    isolated: ['10.20.128.0/19', '10.20.160.0/19'],
    public: ['10.20.192.0/19', '10.20.224.0/19'],
  });
  expect(addressPlan('192.168.255.0/24')).toEqual({
    private: ['192.168.255.0/26', '192.168.255.64/26'],
    isolated: ['192.168.255.128/27', '192.168.255.160/27'],
    public: ['192.168.255.192/27', '192.168.255.224/27'],
  });
});
