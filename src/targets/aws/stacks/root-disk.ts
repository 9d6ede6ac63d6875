/** The disk of every machine, as Amazon Linux names it: gigabytes for what scripts install and write. */
export const ROOT_DISK = {
  deviceName: '/dev/xvda',
  ebs: { encrypted: true, volumeType: 'gp3', volumeSize: 20, deleteOnTermination: true },
};
