/** What `vfiolab lesson new` writes: a lesson of one step that passes its own check. */
export const lessonTemplate = (id: string): string => `---
format: vfiolab-lesson/1
title: ${id}
about: What one learns here, in one sentence.
minutes: 10
machine: workstation
sources:
  - Linux 6.12, Documentation/driver-api/vfio.rst
---

Say here what the lesson is about. A link such as [the graphics card](lab:function/01:00.0) shows the function.

## Give the sound function to vfio-pci {#bind}

What a command prints is put in by \`vfiolab lesson check --fix\`:

\`\`\`output lspci -k -s 01:00.1
\`\`\`

\`\`\`check
say: 01:00.1 is bound to vfio-pci
driver: { of: 01:00.1, is: vfio-pci }
\`\`\`

\`\`\`hint
\`driverctl set-override\` binds a function to another driver.
\`\`\`

\`\`\`mistake
say: That was the graphics function, 01:00.0. The sound function is the one that ends in .1.
when: { driver: { of: 01:00.0, is: vfio-pci } }
try: driverctl set-override 0000:01:00.0 vfio-pci
\`\`\`

\`\`\`solution
driverctl set-override 0000:01:00.1 vfio-pci
\`\`\`

\`\`\`passed
Now a process may open it, once all of its group is free.
\`\`\`
`;
