import { spawnSync } from 'node:child_process';
import { userInfo } from 'node:os';

/** Who a program runs as. */
export interface HostUser {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

/** A user of this machine by its name; undefined where there is none. */
export function findUser(name: string): HostUser | undefined {
  const [uid, gid] = ['-u', '-g'].map((what) => spawnSync('id', [what, name], { encoding: 'utf8' }).stdout?.trim());
  if (!uid || !gid) return undefined;
  // A name is letters, digits, _ and - (schema-services.ts): the shell takes it for nothing else.
  const home = spawnSync('/bin/sh', ['-c', `echo ~${name}`], { encoding: 'utf8' }).stdout.trim();
  return { name, uid: Number(uid), gid: Number(gid), home: home.startsWith('/') ? home : '/' };
}

/** Whether programs run as this user anyway. */
export function isOurselves(name: string): boolean {
  try {
    return userInfo().username === name;
  } catch {
    return false; // it has no name
  }
}
