import { readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { type ComposeFile, readCompose } from './compose.js';
import { asName } from './names.js';
import { heredocs, oldWork, terraformUploads } from './old-scripts.js';
import { valuesInTfvars, valuesInYaml } from './old-values.js';
import type { OldWork } from './old-work.js';
import type { ProposedEnvironment } from './proposal.js';
import type { Survey } from './survey.js';

/** What files for other tools say. */
export interface Outside {
  environments: ProposedEnvironment[];
  compose: ComposeFile[];
  /** What older scripts do to files, in their order. */
  old: OldWork[];
}

/** What files for Terraform and Docker Compose, and `env.<name>.yaml`, say of environments and services. */
export async function readOutside(folder: string, found: Survey): Promise<Outside> {
  const read = (path: string) => readFile(join(folder, path), 'utf8');
  const environments = new Map<string, ProposedEnvironment>();
  for (const path of found.settings) {
    const [, name] = /^env\.([\w-]+)\.ya?ml$/.exec(posix.basename(path)) ?? [];
    const text = name === undefined ? '' : await read(path);
    const [region, vpcCidr] = [regionIn(text), vpcIn(text)];
    if (name !== undefined && region !== undefined)
      environments.set(asName(name), {
        ...{ name: asName(name), region, from: path, values: valuesInYaml(text) },
        ...(vpcCidr && { vpcCidr }),
      });
  }
  const terraform = await Promise.all(found.terraform.map(async (path) => ({ path, text: await read(path) })));
  // A value in terraform.tfvars counts more than a default in a .tf.
  terraform.sort((a, b) => Number(b.path.endsWith('.tfvars')) - Number(a.path.endsWith('.tfvars')));
  const source = terraform.find(({ text }) => regionIn(text) !== undefined);
  const region = source === undefined ? undefined : regionIn(source.text);
  if (environments.size === 0 && source !== undefined && region !== undefined) {
    const vpcCidr = terraform.map(({ text }) => vpcIn(text)).find((cidr) => cidr !== undefined);
    const values = valuesInTfvars(source.path.endsWith('.tfvars') ? source.text : '');
    environments.set('dev', {
      ...{ name: 'dev', region, from: source.path, values },
      ...(vpcCidr === undefined ? {} : { vpcCidr }),
    });
  }
  const compose = await Promise.all(found.compose.map(async (path) => readCompose(path, await read(path))));
  const variables = new Map(terraform.toReversed().flatMap(({ text }) => variablesIn(text)));
  const scripts = await Promise.all(found.scripts.map(async (path) => ({ path, text: await read(path), line: 1 })));
  const inTerraform = terraform.flatMap(({ path, text }) => heredocs(path, text));
  const uploads = terraform.flatMap(({ path, text }) => terraformUploads(path, text));
  return {
    old: [...uploads, ...[...scripts, ...inTerraform].flatMap((script) => oldWork(script, variables))],
    environments: [...environments.values()].filter(({ name }) => name !== '' && name !== 'local'),
    compose,
  };
}

/** `region = "eu-west-1"`, `aws_region: eu-west-1`, or the default of a variable of that name. */
function regionIn(text: string): string | undefined {
  const region = '"?([a-z]{2}(?:-[a-z]+)+-\\d)"?';
  const [, direct] = new RegExp(`^\\s*(?:aws_?)?region\\s*[=:]\\s*${region}`, 'mi').exec(text) ?? [];
  const [, variable] =
    new RegExp(`variable\\s+"(?:aws_)?region"\\s*\\{[^}]*default\\s*=\\s*${region}`, 'i').exec(text) ?? [];
  return direct ?? variable;
}

/** `cidr_block` of the VPC, `vpc_cidr` of variables, `vpcCidr: 10.0.0.0/16`. */
function vpcIn(text: string): string | undefined {
  const cidr = '"?(\\d+\\.\\d+\\.\\d+\\.\\d+/(?:1[6-9]|2[0-4]))"?';
  const written = [
    `resource\\s+"aws_vpc"[^{]*\\{[^}]*cidr_block\\s*=\\s*${cidr}`,
    `^\\s*vpc_?cidr(?:_?block)?\\s*[=:]\\s*${cidr}`,
    `variable\\s+"vpc_cidr(?:_block)?"\\s*\\{[^}]*default\\s*=\\s*${cidr}`,
  ];
  return written.map((each) => new RegExp(each, 'mi').exec(text)?.[1]).find((found) => found !== undefined);
}

/** Values of terraform.tfvars, and defaults of variables, which the scripts of templates use. */
function variablesIn(text: string): [string, string][] {
  const set = [...text.matchAll(/^\s*(\w+)\s*=\s*"([^"$]*)"\s*$/gm)];
  const defaults = [...text.matchAll(/variable\s+"(\w+)"\s*\{[^}]*?default\s*=\s*"([^"$]*)"/g)];
  return [...defaults, ...set].map(([, name = '', value = '']) => [name, value]);
}
