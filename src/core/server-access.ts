/** How one server lets us in, as the configuration says: by names of variables and of files, never by a secret. */
export interface ServerAccess {
  auth?: LoginSetting | undefined;
  /** Files in PEM, absolute: the authorities that are trusted for this server, and what this machine shows to it. */
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
}

export interface LoginSetting {
  /** The variable with the token, the password, or the header's value. */
  fromEnv: string;
  header?: string | undefined;
  user?: string | undefined;
}
