/** Who else cosigned a checkpoint, and whether that is the quorum of a policy (C2SP tlog-policy). */

import { hex, utf8 } from "../octets";
import { require } from "../package/refusal";
import { COSIGNATURE, cosigned, type Note, type NoteKey, readKey } from "./note";

interface Group {
  readonly least: number;
  readonly members: readonly string[];
}

export interface Policy {
  readonly logs: readonly NoteKey[];
  readonly witnesses: ReadonlyMap<string, NoteKey>;
  readonly groups: ReadonlyMap<string, Group>;
  /** A witness or a group; null for none. */
  readonly quorum: string | null;
}

export interface Cosignature {
  readonly name: string;
  readonly at: Date | null;
}

export interface Witnessing {
  readonly cosignatures: readonly Cosignature[];
  /** Null where the policy asks for none. */
  readonly quorum: boolean | null;
}

const FORM = "The policy of witnesses has a line that is of no known form: {line}";
const NAMED = "The policy of witnesses names {name} twice, or before it says what that is.";

/** The policy in *octets*. Raises Refused. */
export async function readPolicy(octets: Uint8Array): Promise<Policy> {
  const logs: NoteKey[] = [];
  const witnesses = new Map<string, NoteKey>();
  const groups = new Map<string, Group>();
  const joined = new Set<string>();
  const keys = new Set<string>();
  let quorum: string | null | undefined;
  const known = (name: string): boolean => witnesses.has(name) || groups.has(name);
  const text = utf8(octets) ?? "";
  require(/^[\t\n\x20-\x7e\x80-\u{10ffff}]+$/u.test(text), FORM, { line: "" });
  for (const line of text.split("\n")) {
    const [what = "", ...words] = line.trim().split(/[ \t]+/);
    const [name = "", value = ""] = words;
    const formed = { line: line.slice(0, 100) };
    if (what === "" || what.startsWith("#")) continue;
    if (what === "log") {
      require(words.length === 1 || words.length === 2, FORM, formed);
      const key = await readKey(name);
      require(key.kind !== COSIGNATURE && !keys.has(hex(key.key)), FORM, formed);
      keys.add(hex(key.key));
      logs.push(key);
    } else if (what === "witness") {
      require(words.length === 2 || words.length === 3, FORM, formed);
      require(!known(name) && name !== "none", NAMED, { name });
      const key = await readKey(value);
      require(key.kind === COSIGNATURE && !keys.has(hex(key.key)), FORM, formed);
      keys.add(hex(key.key));
      witnesses.set(name, key);
    } else if (what === "group") {
      const members = words.slice(2);
      require(!known(name) && name !== "none", NAMED, { name });
      require(members.length > 0, FORM, formed);
      for (const member of members) {
        require(known(member) && !joined.has(member), NAMED, { name: member });
        joined.add(member);
      }
      const least = value === "any" ? 1 : value === "all" ? members.length : /^[1-9]\d{0,3}$/.test(value) ? Number(value) : 0;
      require(least > 0 && least <= members.length, FORM, formed);
      groups.set(name, { least, members });
    } else {
      require(what === "quorum" && words.length === 1 && quorum === undefined, FORM, formed);
      require(name === "none" || known(name), NAMED, { name });
      quorum = name === "none" ? null : name;
    }
  }
  require(quorum !== undefined, "The policy of witnesses does not say what its quorum is.");
  return { logs, witnesses, groups, quorum };
}

/** Which witnesses of the *policy* cosigned the note, and whether they are its quorum. */
export async function judgeWitnesses(note: Note, policy: Policy): Promise<Witnessing> {
  const cosignatures: Cosignature[] = [];
  for (const [name, key] of policy.witnesses) cosignatures.push({ name, at: await cosigned(note, key) });
  const met = new Set(cosignatures.filter((each) => each.at !== null).map((each) => each.name));
  for (const [name, group] of policy.groups) {
    if (group.members.filter((each) => met.has(each)).length >= group.least) met.add(name);
  }
  return { cosignatures, quorum: policy.quorum === null ? null : met.has(policy.quorum) };
}
