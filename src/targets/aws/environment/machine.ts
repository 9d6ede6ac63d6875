/** Amazon Linux 2023 for x86-64: the newest image, as AWS publishes it. */
export const IMAGE_PARAMETER = '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64';

/** The disk of every machine, as Amazon Linux names it: gigabytes for what scripts install and write. */
export const ROOT_DISK = {
  deviceName: '/dev/xvda',
  ebs: { encrypted: true, volumeType: 'gp3', volumeSize: 20, deleteOnTermination: true },
};
