/** What people drop or choose: files, or a folder with all that is in it. */

import { type Sentence, sentence } from "../verdict";

export interface GivenFile {
  readonly path: string;
  readonly file: File;
}

const [MOST, LARGEST] = [20_000, 256 * 1024 * 1024];

/** The files of a drop, those of folders by their paths. */
export async function dropped(transfer: DataTransfer): Promise<GivenFile[]> {
  const entries = Array.from(transfer.items, (each) => (each.kind === "file" ? each.webkitGetAsEntry() : null));
  const files = Array.from(transfer.files);
  if (entries.every((each) => each === null || each.isFile)) return files.map((file) => ({ path: file.name, file }));
  const found: GivenFile[] = [];
  for (const entry of entries) if (entry !== null) await collect(entry, "", found);
  return found;
}

/** The files of an input, those of a chosen folder by their paths. */
export function chosen(input: HTMLInputElement): GivenFile[] {
  return Array.from(input.files ?? [], (file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** Why so much is not read; null where it is. */
export function tooMuch(given: readonly GivenFile[]): Sentence | null {
  const size = given.reduce((sum, each) => sum + each.file.size, 0);
  if (given.length <= MOST && size <= LARGEST) return null;
  return sentence("This is too much to be an evidence package; what is read at most: {size} MB, number of files {files}.", {
    files: MOST,
    size: LARGEST / 1024 / 1024,
  });
}

async function collect(entry: FileSystemEntry, around: string, found: GivenFile[]): Promise<void> {
  if (found.length > MOST) return;
  const path = around + entry.name;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    found.push({ path, file });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    const next = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (next.length === 0) return;
    for (const each of next) await collect(each, `${path}/`, found);
  }
}
