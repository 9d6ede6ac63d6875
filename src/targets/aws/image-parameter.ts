/** Amazon Linux 2023 for x86-64: the newest image, as AWS publishes it. */
export const IMAGE_PARAMETER = '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64';
