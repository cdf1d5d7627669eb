/** What people, programs and other versions of lspci do to a listing without changing what it says. */

/** Wraps as mail programs do: at a blank, the rest without indentation. */
function wrap(text: string, width: number): string {
  return text
    .split('\n')
    .flatMap((line) => {
      const parts: string[] = [];
      let rest = line;
      while (rest.length > width) {
        const at = rest.lastIndexOf(' ', width);
        if (at <= 0 || rest.slice(0, at).trim() === '') break;
        parts.push(rest.slice(0, at));
        rest = rest.slice(at + 1);
      }
      return [...parts, rest];
    })
    .join('\n');
}

/** Cuts as a terminal's window does: at its last column, wherever that is. */
const atColumn = (text: string, width: number): string =>
  text
    .replaceAll('\t', '        ')
    .split('\n')
    .flatMap((line) => (line === '' ? [''] : (line.match(new RegExp(`.{1,${width}}`, 'g')) ?? [''])))
    .join('\n');

/** As mail is encoded (RFC 2045, 6.7): lines of 76 characters, `=` and the tab at the end of a line written in hex. */
const quotedPrintable = (text: string): string =>
  text
    .replace(/=/g, '=3D')
    .split('\n')
    .map((line) => line.replace(/(.{72}(?:=..)?)(?=.)/g, (part) => (/=.?$/.test(part) ? part : `${part}=\n`)))
    .join('\n');

const html = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const reworded =
  (pairs: readonly (readonly [RegExp, string])[]) =>
  (text: string): string =>
    pairs.reduce((all, [from, to]) => all.replace(from, to), text);

/** Everything stays known. */
export const SAME: Readonly<Record<string, (text: string) => string>> = {
  'quoted in a mail': (text) => text.replace(/^/gm, '> '),
  'quoted twice': (text) => text.replace(/^/gm, '>> '),
  'quoted with bars': (text) => text.replace(/^/gm, '| '),
  'with CRLF': (text) => text.replaceAll('\n', '\r\n'),
  'with old line ends': (text) => text.replaceAll('\n', '\r'),
  'with a byte order mark': (text) => `\ufeff${text}`,
  'without tabs': (text) => text.replace(/^\t+/gm, ''),
  'without any indentation': (text) => text.replace(/^[\t ]+/gm, ''),
  'with blanks for tabs': (text) => text.replaceAll('\t', '        '),
  'with four blanks for tabs': (text) => text.replaceAll('\t', '    '),
  'with one blank for tabs': (text) => text.replaceAll('\t', ' '),
  'indented by four blanks': (text) => text.replace(/^/gm, '    '),
  'indented by a tab': (text) => text.replace(/^/gm, '\t'),
  'indented as text of a list': (text) => text.replace(/^/gm, '   ').replace(/^ {2}/, '1.'),
  'with blanks at the ends of lines': (text) => text.replace(/$/gm, '   '),
  'in a code fence with chatter': (text) => `Hello,\n\nhere it is:\n\`\`\`text\n${text}\n\`\`\`\n\nThanks a lot: Bob\n`,
  'in a fence without a line of its own': (text) => `\`\`\`${text.trim()}\`\`\``,
  'in BBCode': (text) => `[quote=Bob]My machine:[/quote]\n[code]${text.trim()}[/code]\nAny ideas?\n`,
  'in a spoiler': (text) => `[spoiler="lspci"][code]\n${text}[/code][/spoiler]`,
  'in details': (text) => `<details>\n<summary>lspci -vvv</summary>\n\n\`\`\`\n${text}\`\`\`\n</details>\n`,
  'with line numbers': (text) =>
    text
      .split('\n')
      .map((line, index) => `${String(index + 1).padStart(6)}\t${line}`)
      .join('\n'),
  'with line numbers and colons': (text) =>
    text
      .split('\n')
      .map((line, index) => `${index + 1}:${line}`)
      .join('\n'),
  'as a comment': (text) => text.replace(/^/gm, '# '),
  'wrapped at 72 columns': (text) => wrap(text, 72),
  'wrapped and quoted': (text) => wrap(text, 70).replace(/^/gm, '> '),
  'wrapped, without tabs': (text) => wrap(text.replace(/^\t+/gm, ''), 68),
  'wrapped at 80 columns': (text) => wrap(text, 80),
  'wrapped at 100 columns and quoted three times': (text) => wrap(text, 100).replace(/^/gm, '> > > '),
  'wrapped by a quoting mail program': (text) => wrap(text.replaceAll('\t', '        '), 76).replace(/^/gm, '> '),
  'cut at the window of 80 columns': (text) => atColumn(text, 80),
  'cut at the window of 132 columns': (text) => atColumn(text, 132),
  'as HTML': html,
  'as HTML with tags': (text) => `<pre><code>${html(text).replace(/$/gm, '<br/>')}</code></pre>`,
  'as HTML of a page': (text) =>
    `<!DOCTYPE html>\n<html><body><p>lspci</p>\n<pre class="x">${html(text)}</pre></body></html>`,
  'as HTML with numbers for characters': (text) =>
    text.replace(/[<>&"']/g, (one) => `&#${one.charCodeAt(0)};`).replaceAll('\t', '&#9;'),
  'as HTML with hexadecimal numbers': (text) =>
    text.replace(/[<>&"'[\]]/g, (one) => `&#x${one.charCodeAt(0).toString(16)};`),
  'as Markdown with escapes': (text) => text.replace(/[[\]<>_]/g, '\\$&'),
  'as Markdown with more escapes': (text) => text.replace(/[[\]<>_*#+.()-]/g, '\\$&'),
  'in quoted-printable mail': (text) => quotedPrintable(text),
  'in a quoted-printable mail, quoted': (text) => quotedPrintable(text.replace(/^/gm, '> ')),
  'with no-break blanks': (text) => text.replaceAll('\t', '\u00a0\u00a0\u00a0\u00a0').replaceAll(' ', '\u00a0'),
  'with typographic dashes': (text) => text.replace(/(?<=\w)-(?=[ ,\n])/g, '\u2013'),
  'with minus signs': (text) => text.replace(/(?<=\w)-(?=[ ,\n])/g, '\u2212'),
  'with typographic quotes': (text) => text.replaceAll("'", '\u2019').replace(/"([^"\n]*)"/g, '\u201c$1\u201d'),
  'with a prompt and complaints': (text) =>
    `root@box:~# lspci -vvv\npcilib: Cannot open /sys/bus/pci/devices/x\n${text.replace(/^(\tCapabilities: \[)/gm, 'pcilib: sysfs_read_vpd: read failed: Input/output error\n$1')}root@box:~# exit\n`,
  'with a warning between': (text) =>
    text.replace(
      /^(?=\S)/m,
      'pcilib: sysfs_read_vpd: read failed: No such device\nlspci: Unable to load libkmod resources: error -2\n',
    ),
  'with domains': (text) => text.replace(/^(?=[0-9a-f]{2}:[0-9a-f]{2}\.)/gm, '0000:'),
  'without domains': (text) =>
    /^(?!0000)[0-9a-f]{4,5}:[0-9a-f]{2}:[0-9a-f]{2}\./m.test(text)
      ? text
      : text.replace(/^0000:(?=[0-9a-f]{2}:)/gm, ''),
  'with addresses in upper case': (text) =>
    text.replace(/^(?:[0-9a-f]{4,5}:)?[0-9a-f]{2}:[0-9a-f]{2}\.\d/gm, (address) => address.toUpperCase()),
  'twice over': (text) => `${text}\n\n${text}`,
  'with a blank line after every line': (text) => text.replaceAll('\n', '\n\n'),
  'without blank lines': (text) => text.replace(/\n\n+/g, '\n'),
  'with terminal colours': (text) => text.replace(/^(\S)/gm, '\u001b[1;32m$1\u001b[0m'),
  'with colours of grep': (text) => text.replace(/(?:Capabilities|Kernel)/g, '\u001b[01;31m\u001b[K$&\u001b[m\u001b[K'),
  'recorded by script': (text) =>
    `Script started on 2024-01-01 10:00:00+00:00 [TERM="xterm"]\r\n\u001b]0;root@box: ~\u0007root@box:~# lspci -vvv\r\n${text.replaceAll('\n', '\r\n')}\u001b[?2004hroot@box:~# exit\r\n`,
  'in a report of several programs': (text) =>
    `$ uname -a\nLinux box 6.5.0-14-generic #14-Ubuntu SMP PREEMPT_DYNAMIC x86_64 GNU/Linux\n\n$ cat /proc/cmdline\nBOOT_IMAGE=/vmlinuz root=UUID=x ro quiet\n\n$ lsusb\nBus 001 Device 001: ID 1d6b:0002 Linux Foundation 2.0 root hub\n\n$ lspci -vvv\n${text}\n$ lsmod\nModule                  Size  Used by\nvfio_pci               16384  0\n\n$ lsblk\nNAME MAJ:MIN RM SIZE RO TYPE MOUNTPOINTS\nsda    8:0    0   1T  0 disk\n`,
  'after a log without PCI': (text) =>
    `[    0.000000] DMI: ASUS System Product Name/PRIME, BIOS 1407 04/01/2020\n[    0.011111] ACPI: DMAR 0x000000007B5D6000 0000A8 (v01 INTEL  EDK2)\n[    0.120000] DMAR: Host address width 39\n[    0.120001] DMAR: DRHD base: 0x000000fed90000 flags: 0x0\n[    0.130000] DMAR-IR: Enabled IRQ remapping in x2apic mode\n[    0.400000] iommu: Default domain type: Translated\n[    0.410000] DMAR: Intel(R) Virtualization Technology for Directed I/O\n\n${text}`,
  'newest first': (text) => text.trim().split(/\n\n+/).reverse().join('\n\n') + '\n',
};

/** What versions of pciutils write otherwise, for the same bits. */
export const REWORDED: Readonly<Record<string, (text: string) => string>> = {
  'as pciutils 3.1 writes it': reworded([
    [
      /DevCtl:\tCorrErr([+-]) NonFatalErr([+-]) FatalErr([+-]) UnsupReq([+-])/g,
      'DevCtl:\tReport errors: Correctable$1 Non-Fatal$2 Fatal$3 Unsupported$4',
    ],
    [
      /DevSta:\tCorrErr([+-]) NonFatalErr([+-]) FatalErr([+-]) UnsupReq([+-])/g,
      'DevSta:\tCorrErr$1 UncorrErr$2 FatalErr$3 UnsuppReq$4',
    ],
    [/Exit Latency L0s/g, 'Latency L0'],
    [/RCB (\d+) bytes,? (?:Lnk)?Disabled?([+-])/g, 'RCB $1 bytes Disabled$2 Retrain-'],
    [/ \((?:ok|downgraded|overdriven|strange)\)/g, ''],
    [/(behind bridge: [0-9a-f-]+) \[size=[^\]]*\] \[(?:16|32|64)-bit\]/g, '$1'],
    [/I\/O behind bridge: \[disabled\].*/g, 'I/O behind bridge: 0000f000-00000fff'],
    [/^\tMemory behind bridge: \[disabled\].*/gm, '\tMemory behind bridge: fff00000-000fffff'],
    [
      /Prefetchable memory behind bridge: \[disabled\].*/g,
      'Prefetchable memory behind bridge: 00000000fff00000-00000000000fffff',
    ],
    [/ VGA16[+-]/g, ''],
    [/CESta:(.*) AdvNonFatalErr([+-])/g, 'CESta:$1 NonFatalErr$2'],
    [/CEMsk:(.*) AdvNonFatalErr([+-])/g, 'CEMsk:$1 NonFatalErr$2'],
    [
      /AERCap:\tFirst Error Pointer: ([0-9a-f]+), ECRCGenCap([+-]) ECRCGenEn([+-]) ECRCChkCap([+-]) ECRCChkEn([+-])/g,
      'AERCap:\tFirst Error Pointer: $1, GenCap$2 CGenEn$3 ChkCap$4 ChkEn$5',
    ],
    [/^\t\t\tMultHdrRecCap.*\n/gm, ''],
    [/^\t\tHeaderLog:.*\n/gm, ''],
    [/^\t\t\t 10BitTagComp.*\n|^\t\t\t EmergencyPower.*\n|^\t\t\t FRS-.*\n/gm, ''],
    [/, NROPrPrP-/g, ','],
    [/Capabilities: \[([0-9a-f]{3}) v(\d+)\] Secondary PCI Express\n(?:\t\t.*\n)*/g, 'Capabilities: [$1 v$2] #19\n'],
  ]),
  'as pciutils 2.2 writes it': reworded([
    [
      /MSI: Enable([+-]) Count=1\/1 Maskable([+-]) 64bit([+-])/g,
      'Message Signalled Interrupts: Mask$2 64bit$3 Queue=0/0 Enable$1',
    ],
    [/MSI-X: Enable([+-]) Count=(\d+) Masked([+-])/g, 'MSI-X: Enable$1 Mask$3 TabSize=$2'],
    [/^\t\tDevCap2:[\s\S]*?(?=^\tCapabilities|^\tKernel|^$)/gm, ''],
  ]),
  'as pciutils 3.14 writes it': reworded([
    [/(Express \(v\d\) [^\n]*?), MSI 0([0-9a-f])/g, '$1, IntMsgNum $2'],
    [/CRSVisible/g, 'RRSVisible'],
    [/RCB (\d+) bytes, Disabled([+-])/g, 'RCB $1 bytes, LnkDisable$2'],
    [/UE(Sta|Msk|Svrt):(\t.*?) TLP([+-])/g, 'UE$1:$2 PoisonedTLP$3'],
    [
      /(UESta:.*ACSViol-|UEMsk:.*ACSViol-)$/gm,
      '$1 UncorrIntErr- BlockedTLP- AtomicOpBlocked- TLPBlockedErr-\n\t\t\tPoisonTLPBlocked- DMWrReqBlocked- IDECheck- MisIDETLP- PCRC_CHECK- TLPXlatBlocked-',
    ],
    [/INT Msg #(\d+)/g, 'IntMsgNum $1'],
    [/Interrupt Message Number: 0*(\d+)/g, 'IntMsgNum $1'],
    [/^(\t\tLnkSta2:.*)$/gm, '$1\n\t\tDevCap3:\tDMWr- 14BitTagComp- 14BitTagReq- SegCap- UIO-'],
  ]),
  'with a domain of eight digits': (text) => text.replace(/^(?:0000:)?(?=[0-9a-f]{2}:[0-9a-f]{2}\.\d )/gm, '00000000:'),
};

const blocks = (text: string): string[] => text.trim().split(/\n\n+/);
const joined = (parts: readonly string[]): string => `${parts.join('\n\n')}\n`;

/** Something is lost: what is still said must be right. */
export const LOSSY: Readonly<Record<string, (text: string) => string>> = {
  'without root': (text) =>
    joined(
      blocks(text).map((block) =>
        `${block}\n`
          .replace(/^[0-9a-f]{2,3}: .*\n/gm, '')
          .replace(/^\s+Capabilities: .*\n(?:(?:\t\t| {9,}).*\n)*/m, '\0')
          .replace(/^\s+Capabilities: .*\n(?:(?:\t\t| {9,}).*\n)*/gm, '')
          .replace('\0', '\tCapabilities: <access denied>\n')
          .trimEnd(),
      ),
    ),
  'without details': (text) => text.replace(/^\s.*\n/gm, ''),
  'with drivers only': (text) => text.replace(/^\s+(?!Subsystem:|Kernel ).*\n/gm, ''),
  'every fifth function left out': (text) => joined(blocks(text).filter((_, index) => index % 5 !== 2)),
  'every third function left out': (text) => joined(blocks(text).filter((_, index) => index % 3 !== 1)),
  'every other bridge left out': (text) => {
    let count = 0;
    return joined(blocks(text).filter((block) => !/^\S+ (?:PCI bridge|0604)/.test(block) || ++count % 2 === 1));
  },
  'all bridges left out': (text) => joined(blocks(text).filter((block) => !/^\S+ (?:PCI bridge|0604)/.test(block))),
  'its first half': (text) => text.slice(0, text.length >> 1),
  'its second half': (text) => text.slice(text.length >> 1),
  'without the bits of ACS': (text) => text.replace(/^\s+ACS(?:Cap|Ctl):.*\n/gm, ''),
};

/** Capabilities that say nothing of grouping come in. */
export const ADDED: Readonly<Record<string, (text: string) => string>> = {
  'with capabilities that are newer than the lab': (text) =>
    text.replace(
      /^(\tCapabilities: \[100 v\d\].*\n(?:\t\t.*\n)*)/gm,
      '$1\tCapabilities: [e00 v1] Designated Vendor-Specific: Vendor=1e98 ID=0000 Rev=1 Len=56: CXL\n\t\tCXLCap:\tCache+ IO+ Mem+ MemHWInit+ HDMCount 1 Viral-\n\tCapabilities: [f00 v1] Data Object Exchange\n\t\tDOECap: IntSup-\n\tCapabilities: [f40 v1] Physical Layer 32.0 GT/s <?>\n\tCapabilities: [f80 v1] Extended Capability ID 0x3a\n',
    ),
  'with a function that sleeps': (text) =>
    `${text}\n0000:fe:00.0 3D controller [0302]: NVIDIA Corporation GA107M [10de:25a2] (rev ff) (prog-if ff)\n\t!!! Unknown header type 7f\n\tKernel driver in use: nvidia\n`,
};
