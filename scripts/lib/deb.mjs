/** A Debian package of the packed application, made with dpkg-deb; its facts are those of `electron-builder.yml`. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { inRoot, which } from './files.mjs';

const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64', arm: 'armhf' };
const ICON_SIZE = '512x512';

/** What a field of a desktop entry or of XML must not hold does not occur in our own names; this says so if it ever does. */
const plain = (text) => {
  if (/[<>&"\n]/.test(text)) throw new Error(`“${text}” cannot stand in a package's files.`);
  return text;
};

/** @returns {Record<string, string>} contents by path in the package */
function textsOf(builder, { version, description }, place) {
  const { linux, deb, protocols, fileAssociations } = builder;
  const schemes = protocols.flatMap((entry) => entry.schemes).map((scheme) => `x-scheme-handler/${plain(scheme)}`);
  const types = fileAssociations.map(({ mimeType }) => plain(mimeType));
  const name = plain(linux.executableName);
  const mime = fileAssociations.map(
    (kind) =>
      `  <mime-type type="${kind.mimeType}">\n    <comment>${plain(kind.name)}</comment>\n` +
      `    <glob pattern="*.${plain(kind.ext)}"/>\n  </mime-type>\n`,
  );
  return {
    'DEBIAN/control': [
      `Package: ${name}`,
      `Version: ${version}`,
      `Architecture: ${ARCHITECTURES[process.arch]}`,
      `Maintainer: ${linux.maintainer}`,
      'Section: education',
      'Priority: optional',
      `Depends: ${deb.depends.join(', ')}`,
      `Description: ${linux.synopsis}`,
      ` ${description}.`,
      '',
    ].join('\n'),
    [`usr/share/applications/${name}.desktop`]: [
      '[Desktop Entry]',
      'Type=Application',
      `Name=${plain(builder.productName)}`,
      `Comment=${plain(linux.synopsis)}`,
      `Exec="${place}/${name}" %U`,
      `Icon=${name}`,
      `Categories=${linux.category};`,
      `MimeType=${[...types, ...schemes].join(';')};`,
      'Terminal=false',
      '',
    ].join('\n'),
    [`usr/share/mime/packages/${name}.xml`]:
      '<?xml version="1.0" encoding="utf-8"?>\n' +
      `<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">\n${mime.join('')}</mime-info>\n`,
    'usr/bin/vfiolab': [
      '#!/bin/sh',
      '# The command line of the application: no display, and nothing of what Chromium says about that.',
      'root=',
      '[ "$(id -u)" -ne 0 ] || root=--no-sandbox',
      `exec "${place}/${name}" $root --ozone-platform=headless --disable-gpu --log-level=3 --cli "$@"`,
      '',
    ].join('\n'),
  };
}

/**
 * @param {string} unpacked folder of the packed application
 * @param {{ version: string, description: string }} about the package file
 * @returns {string} path of the package
 */
export function makeDeb(unpacked, about) {
  if (which('dpkg-deb') === null) throw new Error('A deb needs dpkg-deb, which Debian and its relatives have.');
  const builder = parse(readFileSync(inRoot('electron-builder.yml'), 'utf8'));
  const name = builder.linux.executableName;
  const place = `/opt/${builder.productName}`;
  const tree = mkdtempSync(path.join(tmpdir(), 'vfio-lab-deb-'));
  try {
    const into = (file) => {
      const full = path.join(tree, file);
      mkdirSync(path.dirname(full), { recursive: true, mode: 0o755 });
      return full;
    };
    cpSync(unpacked, into(place), { recursive: true });
    for (const [file, text] of Object.entries(textsOf(builder, about, place))) {
      writeFileSync(into(file), text, { mode: file.startsWith('usr/bin/') ? 0o755 : 0o644 });
    }
    cpSync(inRoot(builder.linux.icon), into(`usr/share/icons/hicolor/${ICON_SIZE}/apps/${name}.png`));
    symlinkSync(`${place}/${name}`, into(`usr/bin/${name}`));
    spawnSync('chmod', ['-R', 'u=rwX,go=rX', tree]);
    // Where a kernel gives no user namespaces to everybody, Chromium's sandbox needs its helper to be root's.
    spawnSync('chmod', ['4755', path.join(tree, place, 'chrome-sandbox')]);
    const file = inRoot('dist', `${name}_${about.version}_${ARCHITECTURES[process.arch]}.deb`);
    const words = ['--root-owner-group', '-Zxz', '-z3', '--build', tree, file];
    const { status } = spawnSync('dpkg-deb', words, { stdio: ['ignore', 2, 2] });
    if (status !== 0) throw new Error('dpkg-deb failed; its messages are above.');
    return file;
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}
