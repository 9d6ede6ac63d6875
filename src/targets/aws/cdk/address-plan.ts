/** The subnets of a VPC of our own, one each in two zones. */
export interface AddressPlan {
  /** Hosts: a quarter each. */
  private: [string, string];
  /** Workers, mount targets, the database: an eighth each. */
  isolated: [string, string];
  /** Gateways to the internet: an eighth each. */
  public: [string, string];
}

/** Divides a network among the subnets of both stacks: each knows what the other has, and neither has to ask. */
export function addressPlan(cidr: string): AddressPlan {
  const [base = '', length = ''] = cidr.split('/');
  const start = base.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const prefix = Number(length);
  const size = 2 ** (32 - prefix);
  const part = (eighths: number, from: number) =>
    `${dotted(start + (size / 8) * from)}/${prefix + (eighths === 2 ? 2 : 3)}`;
  return {
    private: [part(2, 0), part(2, 2)],
    isolated: [part(1, 4), part(1, 5)],
    public: [part(1, 6), part(1, 7)],
  };
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
