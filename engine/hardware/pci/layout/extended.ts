/** Extended capabilities, from byte 0x100 on (PCIe 7.7–7.9). Offsets count from the capability's header dword. */
import type { CapabilityLayout, FieldLayout } from './types';
import { bits, capability, flag, flags, plain, register } from './types';

type Access = FieldLayout['access'];

/** Uncorrectable error bits (PCIe 7.8.4.2), in the register and therefore in lspci's order. */
const uncorrectable = (access: Access): FieldLayout[] => [
  flag('DLP', 4, access, 'Data Link Protocol Error'),
  flag('SDES', 5, access, 'Surprise Down Error'),
  flag('TLP', 12, access, 'Poisoned TLP Received'),
  flag('FCP', 13, access, 'Flow Control Protocol Error'),
  flag('CmpltTO', 14, access, 'Completion Timeout'),
  flag('CmpltAbrt', 15, access, 'Completer Abort'),
  flag('UnxCmplt', 16, access, 'Unexpected Completion'),
  flag('RxOF', 17, access, 'Receiver Overflow'),
  flag('MalfTLP', 18, access, 'Malformed TLP'),
  flag('ECRC', 19, access, 'ECRC Error'),
  flag('UnsupReq', 20, access, 'Unsupported Request Error'),
  flag('ACSViol', 21, access, 'ACS Violation'),
  flag('UncorrIntErr', 22, access, 'Uncorrectable Internal Error'),
  flag('BlockedTLP', 23, access, 'MC Blocked TLP'),
  flag('AtomicOpBlocked', 24, access, 'AtomicOp Egress Blocked'),
  flag('TLPBlockedErr', 25, access, 'TLP Prefix Blocked Error'),
  flag('PoisonTLPBlocked', 26, access, 'Poisoned TLP Egress Blocked'),
];

const correctable = (access: Access): FieldLayout[] => [
  flag('RxErr', 0, access, 'Receiver Error'),
  flag('BadTLP', 6, access, 'Bad TLP'),
  flag('BadDLLP', 7, access, 'Bad DLLP'),
  flag('Rollover', 8, access, 'REPLAY_NUM Rollover'),
  flag('Timeout', 12, access, 'Replay Timer Timeout'),
  flag('AdvNonFatalErr', 13, access, 'Advisory Non-Fatal Error'),
  flag('CorrIntErr', 14, access, 'Corrected Internal Error'),
  flag('HeaderOF', 15, access, 'Header Log Overflow'),
];

export const AER = capability(
  0x01,
  'AER',
  'Advanced Error Reporting',
  [
    register('UESta', 'Uncorrectable Error Status', 0x04, 4, uncorrectable('w1c')),
    register('UEMsk', 'Uncorrectable Error Mask', 0x08, 4, uncorrectable('rw')),
    register('UESvrt', 'Uncorrectable Error Severity', 0x0c, 4, uncorrectable('rw')),
    register('CESta', 'Correctable Error Status', 0x10, 4, correctable('w1c')),
    register('CEMsk', 'Correctable Error Mask', 0x14, 4, correctable('rw')),
    register('AERCap', 'Advanced Error Capabilities and Control', 0x18, 4, [
      bits('First Error Pointer', 4, 0, 'ro', 'First Error Pointer'),
      flag('ECRCGenCap', 5, 'ro', 'ECRC Generation Capable'),
      flag('ECRCGenEn', 6, 'rw', 'ECRC Generation Enable'),
      flag('ECRCChkCap', 7, 'ro', 'ECRC Check Capable'),
      flag('ECRCChkEn', 8, 'rw', 'ECRC Check Enable'),
      flag('MultHdrRecCap', 9, 'ro', 'Multiple Header Recording Capable'),
      flag('MultHdrRecEn', 10, 'rw', 'Multiple Header Recording Enable'),
      flag('TLPPfxPres', 11, 'ro', 'TLP Prefix Log Present'),
      flag('HdrLogCap', 12, 'ro', 'Completion Timeout Prefix/Header Log Capable'),
    ]),
    plain('HeaderLog0', 'Header Log, first dword', 0x1c, 4, 'ro'),
    plain('HeaderLog1', 'Header Log, second dword', 0x20, 4, 'ro'),
    plain('HeaderLog2', 'Header Log, third dword', 0x24, 4, 'ro'),
    plain('HeaderLog3', 'Header Log, fourth dword', 0x28, 4, 'ro'),
    register('RootCmd', 'Root Error Command', 0x2c, 4, [
      flag('CERptEn', 0, 'rw', 'Correctable Error Reporting Enable'),
      flag('NFERptEn', 1, 'rw', 'Non-Fatal Error Reporting Enable'),
      flag('FERptEn', 2, 'rw', 'Fatal Error Reporting Enable'),
    ]),
    register('RootSta', 'Root Error Status', 0x30, 4, [
      flag('CERcvd', 0, 'w1c', 'ERR_COR Received'),
      flag('MultCERcvd', 1, 'w1c', 'Multiple ERR_COR Received'),
      flag('UERcvd', 2, 'w1c', 'ERR_FATAL/NONFATAL Received'),
      flag('MultUERcvd', 3, 'w1c', 'Multiple ERR_FATAL/NONFATAL Received'),
      flag('FirstFatal', 4, 'w1c', 'First Uncorrectable Fatal'),
      flag('NonFatalMsg', 5, 'w1c', 'Non-Fatal Error Messages Received'),
      flag('FatalMsg', 6, 'w1c', 'Fatal Error Messages Received'),
      bits('IntMsg', 31, 27, 'ro', 'Interrupt Message Number'),
    ]),
    register('ErrorSrc', 'Error Source Identification', 0x34, 4, [
      bits('ERR_COR', 15, 0, 'ro', 'ERR_COR Source'),
      bits('ERR_FATAL/NONFATAL', 31, 16, 'ro', 'ERR_FATAL/NONFATAL Source'),
    ]),
  ],
  0x48,
);

export const ARBITRATION = ['Fixed', 'WRR32', 'WRR64', 'WRR128', 'TWRR128', 'WRR256'] as const;

/** Virtual Channel; the VC resource blocks of 0x0c bytes follow from 0x10 on (PCIe 7.9.1). */
const virtualChannel = (id: number, name: string, title: string): CapabilityLayout =>
  capability(
    id,
    name,
    title,
    [
      register('PortCap1', 'Port VC Capability 1', 0x04, 4, [
        bits('EVC', 2, 0, 'ro', 'Extended VC Count'),
        bits('LPEVC', 6, 4, 'ro', 'Low Priority Extended VC Count'),
        bits('RefClk', 9, 8, 'ro', 'Reference Clock', ['100ns']),
        bits('PATEntryBits', 11, 10, 'ro', 'Port Arbitration Table Entry Size', ['1', '2', '4', '8']),
      ]),
      register('PortCap2', 'Port VC Capability 2', 0x08, 4, [
        ...flags(0, 'ro', [
          ['Fixed', 'Hardware Fixed Arbitration'],
          ['WRR32', 'WRR with 32 Phases'],
          ['WRR64', 'WRR with 64 Phases'],
          ['WRR128', 'WRR with 128 Phases'],
        ]),
        bits('ArbTable', 31, 24, 'ro', 'VC Arbitration Table Offset'),
      ]),
      register('PortCtrl', 'Port VC Control', 0x0c, 2, [
        flag('LoadTable', 0, 'rw', 'Load VC Arbitration Table'),
        bits('ArbSelect', 3, 1, 'rw', 'VC Arbitration Select', ARBITRATION),
      ]),
      register('PortSta', 'Port VC Status', 0x0e, 2, [flag('InProgress', 0, 'ro', 'VC Arbitration Table Status')]),
      register('VC0Cap', 'VC0 Resource Capability', 0x10, 4, [
        ...flags(0, 'ro', [
          ['Fixed', 'Hardware Fixed Arbitration'],
          ['WRR32', 'WRR with 32 Phases'],
          ['WRR64', 'WRR with 64 Phases'],
          ['WRR128', 'WRR with 128 Phases'],
          ['TWRR128', 'Time-based WRR with 128 Phases'],
          ['WRR256', 'WRR with 256 Phases'],
        ]),
        flag('RejSnoopTrans', 15, 'hw', 'Reject Snoop Transactions'),
        bits('MaxTimeSlots', 22, 16, 'hw', 'Maximum Time Slots minus one'),
        bits('PATOffset', 31, 24, 'ro', 'Port Arbitration Table Offset'),
      ]),
      register('VC0Ctrl', 'VC0 Resource Control', 0x14, 4, [
        bits('TC/VC', 7, 0, 'rw', 'TC/VC Map'),
        bits('ArbSelect', 19, 17, 'rw', 'Port Arbitration Select', ARBITRATION),
        bits('ID', 26, 24, 'rw', 'VC ID'),
        flag('Enable', 31, 'rw', 'VC Enable'),
      ]),
      register('VC0Sta', 'VC0 Resource Status', 0x1a, 2, [
        flag('InProgress', 0, 'ro', 'Port Arbitration Table Status'),
        flag('NegoPending', 1, 'ro', 'VC Negotiation Pending'),
      ]),
    ],
    0x1c,
  );

export const VC = virtualChannel(0x02, 'VC', 'Virtual Channel');
export const VC2 = virtualChannel(0x09, 'VC2', 'Virtual Channel');
export const MFVC = capability(0x08, 'MFVC', 'Multi-Function Virtual Channel', []);

export const DSN = capability(0x03, 'DSN', 'Device Serial Number', [plain('Serial', 'Serial Number', 0x04, 8, 'hw')]);

export const POWER_BUDGETING = capability(0x04, 'PB', 'Power Budgeting', [
  plain('Select', 'Data Select', 0x04, 1, 'rw'),
  plain('Data', 'Data', 0x08, 4, 'ro'),
  plain('Cap', 'Power Budget Capability', 0x0c, 1, 'hw'),
]);

export const RC_LINK = capability(0x05, 'RCLINK', 'Root Complex Link', [
  register('Desc', 'Element Self Description', 0x04, 4, [
    bits('EltType', 3, 0, 'ro', 'Element Type', ['Config', 'Egress', 'Int']),
    bits('Links', 15, 8, 'hw', 'Number of Link Entries'),
    bits('ComponentID', 23, 16, 'hw', 'Component ID'),
    bits('PortNumber', 31, 24, 'hw', 'Port Number'),
  ]),
]);

export const RC_ILINK = capability(0x06, 'RCILINK', 'Root Complex Internal Link', []);

export const RCEC = capability(0x07, 'RCEC', 'Root Complex Event Collector Endpoint Association', [
  plain('RCiEPBitmap', 'Association Bitmap for RCiEPs', 0x04, 4, 'hw'),
  register('AssociatedBusNumbers', 'RCEC Associated Bus Numbers', 0x08, 4, [
    bits('First', 15, 8, 'hw', 'RCEC Next Bus'),
    bits('Last', 23, 16, 'hw', 'RCEC Last Bus'),
  ]),
]);

export const RCRB = capability(0x0a, 'RBCB', 'Root Complex Register Block', []);

export const VENDOR_EXTENDED = capability(0x0b, 'VNDR', 'Vendor Specific Information', [
  register('Header', 'Vendor-Specific Header', 0x04, 4, [
    bits('ID', 15, 0, 'ro', 'VSEC ID'),
    bits('Rev', 19, 16, 'ro', 'VSEC Revision'),
    bits('Len', 31, 20, 'ro', 'VSEC Length'),
  ]),
]);

/** In lspci's order, which is the order of the bits (PCIe 7.7.11). */
const ACS_BITS = [
  ['SrcValid', 'Source Validation'],
  ['TransBlk', 'Translation Blocking'],
  ['ReqRedir', 'P2P Request Redirect'],
  ['CmpltRedir', 'P2P Completion Redirect'],
  ['UpstreamFwd', 'Upstream Forwarding'],
  ['EgressCtrl', 'P2P Egress Control'],
  ['DirectTrans', 'Direct Translated P2P'],
] as const;

export const ACS = capability(0x0d, 'ACS', 'Access Control Services', [
  register('ACSCap', 'ACS Capability', 0x04, 2, [
    ...flags(0, 'ro', ACS_BITS),
    flag('Enhanced', 7, 'ro', 'ACS Enhanced Capability'),
    bits('EgressSize', 15, 8, 'hw', 'Egress Control Vector Size'),
  ]),
  register('ACSCtl', 'ACS Control', 0x06, 2, [
    ...flags(0, 'rw', ACS_BITS),
    flag('IORequestBlocking', 7, 'rw', 'I/O Request Blocking Enable'),
    bits('DSPMemoryTarget', 9, 8, 'rw', 'DSP Memory Target Access Control'),
    bits('USPMemoryTarget', 11, 10, 'rw', 'USP Memory Target Access Control'),
    flag('UnclaimedRequestRedirect', 12, 'rw', 'Unclaimed Request Redirect Control'),
  ]),
]);

export const ARI = capability(0x0e, 'ARI', 'Alternative Routing-ID Interpretation (ARI)', [
  register('ARICap', 'ARI Capability', 0x04, 2, [
    flag('MFVC', 0, 'ro', 'MFVC Function Groups Capability'),
    flag('ACS', 1, 'ro', 'ACS Function Groups Capability'),
    bits('Next Function', 15, 8, 'ro', 'Next Function Number'),
  ]),
  register('ARICtl', 'ARI Control', 0x06, 2, [
    flag('MFVC', 0, 'rw', 'MFVC Function Groups Enable'),
    flag('ACS', 1, 'rw', 'ACS Function Groups Enable'),
    bits('Function Group', 6, 4, 'rw', 'Function Group'),
  ]),
]);

export const ATS = capability(0x0f, 'ATS', 'Address Translation Service (ATS)', [
  register('ATSCap', 'ATS Capability', 0x04, 2, [
    bits('Invalidate Queue Depth', 4, 0, 'ro', 'Invalidate Queue Depth'),
    flag('Page Aligned', 5, 'ro', 'Page Aligned Request'),
    flag('Global', 6, 'ro', 'Global Invalidate Supported'),
  ]),
  register('ATSCtl', 'ATS Control', 0x06, 2, [
    bits('Smallest Translation Unit', 4, 0, 'rw', 'Smallest Translation Unit'),
    flag('Enable', 15, 'rw', 'ATS Enable'),
  ]),
]);

export const SRIOV = capability(0x10, 'SRIOV', 'Single Root I/O Virtualization (SR-IOV)', [
  register('IOVCap', 'SR-IOV Capabilities', 0x04, 4, [
    flag('Migration', 0, 'ro', 'VF Migration Capable'),
    flag('ARIHierarchyPreserved', 1, 'ro', 'ARI Capable Hierarchy Preserved'),
    flag('10BitTagReq', 2, 'hw', 'VF 10-Bit Tag Requester Supported'),
    bits('Interrupt Message Number', 31, 21, 'ro', 'VF Migration Interrupt Message Number'),
  ]),
  register('IOVCtl', 'SR-IOV Control', 0x08, 2, [
    flag('Enable', 0, 'rw', 'VF Enable'),
    flag('Migration', 1, 'rw', 'VF Migration Enable'),
    flag('Interrupt', 2, 'rw', 'VF Migration Interrupt Enable'),
    flag('MSE', 3, 'rw', 'VF Memory Space Enable'),
    flag('ARIHierarchy', 4, 'rw', 'ARI Capable Hierarchy'),
    flag('10BitTagReq', 5, 'rw', 'VF 10-Bit Tag Requester Enable'),
  ]),
  register('IOVSta', 'SR-IOV Status', 0x0a, 2, [flag('Migration', 0, 'w1c', 'VF Migration Status')]),
  plain('Initial VFs', 'InitialVFs', 0x0c, 2, 'ro'),
  plain('Total VFs', 'TotalVFs', 0x0e, 2, 'ro'),
  plain('Number of VFs', 'NumVFs', 0x10, 2, 'rw'),
  plain('Function Dependency Link', 'Function Dependency Link', 0x12, 1, 'ro'),
  plain('VF offset', 'First VF Offset', 0x14, 2, 'ro'),
  plain('stride', 'VF Stride', 0x16, 2, 'ro'),
  plain('Device ID', 'VF Device ID', 0x1a, 2, 'ro'),
  plain('Supported Page Size', 'Supported Page Sizes', 0x1c, 4, 'ro'),
  plain('System Page Size', 'System Page Size', 0x20, 4, 'rw'),
  ...[0, 1, 2, 3, 4, 5].map((index) => plain(`Region ${index}`, `VF BAR${index}`, 0x24 + 4 * index, 4, 'rw')),
  register('VF Migration', 'VF Migration State Array Offset', 0x3c, 4, [
    bits('BIR', 2, 0, 'ro', 'VF Migration State BIR'),
    bits('offset', 31, 3, 'ro', 'VF Migration State Offset (in 8-byte units)'),
  ]),
]);

export const MRIOV = capability(0x11, 'MRIOV', 'Multi-Root I/O Virtualization', []);

export const MULTICAST = capability(0x12, 'MCAST', 'Multicast', [
  register('McastCap', 'Multicast Capability', 0x04, 2, [
    bits('MaxGroups', 5, 0, 'ro', 'MC_Max_Group minus one'),
    bits('WindowSz', 13, 8, 'ro', 'MC_Window_Size_Requested'),
    flag('ECRCRegen', 15, 'ro', 'MC_ECRC_Regeneration_Supported'),
  ]),
  register('McastCtl', 'Multicast Control', 0x06, 2, [
    bits('NumGroups', 5, 0, 'rw', 'MC_Num_Group minus one'),
    flag('Enable', 15, 'rw', 'MC_Enable'),
  ]),
  plain('McastBAR', 'MC_Base_Address', 0x08, 8, 'rw'),
  plain('McastReceiveVec', 'MC_Receive', 0x10, 8, 'rw'),
  plain('McastBlockAllVec', 'MC_Block_All', 0x18, 8, 'rw'),
  plain('McastBlockUntransVec', 'MC_Block_Untranslated', 0x20, 8, 'rw'),
]);

export const PRI = capability(0x13, 'PRI', 'Page Request Interface (PRI)', [
  register('PRICtl', 'Page Request Control', 0x04, 2, [
    flag('Enable', 0, 'rw', 'Enable'),
    flag('Reset', 1, 'rw', 'Reset'),
  ]),
  register('PRISta', 'Page Request Status', 0x06, 2, [
    flag('RF', 0, 'w1c', 'Response Failure'),
    flag('UPRGI', 1, 'w1c', 'Unexpected Page Request Group Index'),
    flag('Stopped', 8, 'ro', 'Stopped'),
    flag('PASID', 15, 'ro', 'PRG Response PASID Required'),
  ]),
  plain('Page Request Capacity', 'Outstanding Page Request Capacity', 0x08, 4, 'ro'),
  plain('Page Request Allocation', 'Outstanding Page Request Allocation', 0x0c, 4, 'rw'),
]);

const resizable = (id: number, name: string, title: string): CapabilityLayout =>
  capability(id, name, title, [
    register('Cap0', 'Resizable BAR Capability', 0x04, 4, [
      bits('Sizes', 31, 4, 'ro', 'Supported Sizes, 1 MiB and up'),
    ]),
    register('Ctl0', 'Resizable BAR Control', 0x08, 4, [
      bits('BAR', 2, 0, 'ro', 'BAR Index'),
      bits('Number', 7, 5, 'ro', 'Number of Resizable BARs'),
      bits('Size', 13, 8, 'rw', 'BAR Size (log2 of MiB)'),
    ]),
  ]);

export const REBAR = resizable(0x15, 'REBAR', 'Physical Resizable BAR');
export const VF_REBAR = resizable(0x24, 'VF_REBAR', 'Virtual Resizable BAR');
export const DPA = capability(0x16, 'DPA', 'Dynamic Power Allocation', []);

export const TPH = capability(0x17, 'TPH', 'Transaction Processing Hints', [
  register('Cap', 'TPH Requester Capability', 0x04, 4, [
    flag('NoST', 0, 'ro', 'No ST Mode Supported'),
    flag('IntVec', 1, 'ro', 'Interrupt Vector Mode Supported'),
    flag('DevSpec', 2, 'ro', 'Device Specific Mode Supported'),
    flag('Extended', 8, 'ro', 'Extended TPH Requester Supported'),
    bits('STLocation', 10, 9, 'ro', 'ST Table Location', ['not present', 'TPH capability', 'MSI-X table', 'reserved']),
    bits('STSize', 26, 16, 'ro', 'ST Table Size minus one'),
  ]),
  register('Ctl', 'TPH Requester Control', 0x08, 4, [
    bits('Mode', 2, 0, 'rw', 'ST Mode Select'),
    bits('Enable', 9, 8, 'rw', 'TPH Requester Enable'),
  ]),
]);

const latency = (name: string, title: string, offset: number) =>
  register(name, title, offset, 2, [
    bits('Value', 9, 0, 'rw', 'Latency Value'),
    bits('Scale', 12, 10, 'rw', 'Latency Scale', ['1ns', '32ns', '1024ns', '32768ns', '1048576ns', '33554432ns']),
  ]);

export const LTR = capability(0x18, 'LTR', 'Latency Tolerance Reporting', [
  latency('Max snoop latency', 'Max Snoop Latency', 0x04),
  latency('Max no snoop latency', 'Max No-Snoop Latency', 0x06),
]);

export const SECONDARY_EXPRESS = capability(0x19, 'SECPCI', 'Secondary PCI Express', [
  register('LnkCtl3', 'Link Control 3', 0x04, 4, [
    flag('PerformEqu', 0, 'rw', 'Perform Equalization'),
    flag('LnkEquIntrruptEn', 1, 'rw', 'Link Equalization Request Interrupt Enable'),
  ]),
  plain('LaneErrStat', 'Lane Error Status', 0x08, 4, 'w1c'),
]);

export const PMUX = capability(0x1a, 'PMUX', 'Protocol Multiplexing', []);

export const PASID = capability(0x1b, 'PASID', 'Process Address Space ID (PASID)', [
  register('PASIDCap', 'PASID Capability', 0x04, 2, [
    flag('Exec', 1, 'ro', 'Execute Permission Supported'),
    flag('Priv', 2, 'ro', 'Privileged Mode Supported'),
    bits('Max PASID Width', 12, 8, 'ro', 'Max PASID Width'),
  ]),
  register('PASIDCtl', 'PASID Control', 0x06, 2, [
    flag('Enable', 0, 'rw', 'PASID Enable'),
    flag('Exec', 1, 'rw', 'Execute Permission Enable'),
    flag('Priv', 2, 'rw', 'Privileged Mode Enable'),
  ]),
]);

export const LNR = capability(0x1c, 'LNR', 'LN Requester', []);

export const DPC = capability(0x1d, 'DPC', 'Downstream Port Containment', [
  register('DpcCap', 'DPC Capability', 0x04, 2, [
    bits('INT Msg', 4, 0, 'ro', 'DPC Interrupt Message Number'),
    flag('RPExt', 5, 'ro', 'RP Extensions for DPC'),
    flag('PoisonedTLP', 6, 'ro', 'Poisoned TLP Egress Blocking Supported'),
    flag('SwTrigger', 7, 'ro', 'DPC Software Triggering Supported'),
    bits('RP PIO Log', 11, 8, 'ro', 'RP PIO Log Size'),
    flag('DL_ActiveErr', 12, 'ro', 'DL_Active ERR_COR Signaling Supported'),
  ]),
  register('DpcCtl', 'DPC Control', 0x06, 2, [
    bits('Trigger', 1, 0, 'rw', 'DPC Trigger Enable'),
    flag('Cmpl', 2, 'rw', 'DPC Completion Control'),
    flag('INT', 3, 'rw', 'DPC Interrupt Enable'),
    flag('ErrCor', 4, 'rw', 'DPC ERR_COR Enable'),
    flag('PoisonedTLP', 5, 'rw', 'Poisoned TLP Egress Blocking Enable'),
    flag('SwTrigger', 6, 'rw', 'DPC Software Trigger'),
    flag('DL_ActiveErr', 7, 'rw', 'DL_Active ERR_COR Enable'),
  ]),
  register('DpcSta', 'DPC Status', 0x08, 2, [
    flag('Trigger', 0, 'w1c', 'DPC Trigger Status'),
    bits('Reason', 2, 1, 'ro', 'DPC Trigger Reason'),
    flag('INT', 3, 'w1c', 'DPC Interrupt Status'),
    flag('RPBusy', 4, 'ro', 'DPC RP Busy'),
    bits('TriggerExt', 6, 5, 'ro', 'DPC Trigger Reason Extension'),
    bits('RP PIO ErrPtr', 12, 8, 'ro', 'RP PIO First Error Pointer'),
  ]),
  plain('Source', 'DPC Error Source ID', 0x0a, 2, 'ro'),
]);

const L1_BITS = [
  ['PCI-PM_L1.2', 'PCI-PM L1.2'],
  ['PCI-PM_L1.1', 'PCI-PM L1.1'],
  ['ASPM_L1.2', 'ASPM L1.2'],
  ['ASPM_L1.1', 'ASPM L1.1'],
] as const;
const POWER_ON_SCALE = ['2us', '10us', '100us', 'reserved'];

export const L1PM = capability(0x1e, 'L1PM', 'L1 PM Substates', [
  register('L1SubCap', 'L1 PM Substates Capabilities', 0x04, 4, [
    ...flags(0, 'hw', L1_BITS),
    flag('L1_PM_Substates', 4, 'hw', 'L1 PM Substates Supported'),
    bits('PortCommonModeRestoreTime', 15, 8, 'hw', 'Port Common_Mode_Restore_Time (us)'),
    bits('PowerOnScale', 17, 16, 'hw', 'Port T_POWER_ON Scale', POWER_ON_SCALE),
    bits('PowerOnValue', 23, 19, 'hw', 'Port T_POWER_ON Value'),
  ]),
  register('L1SubCtl1', 'L1 PM Substates Control 1', 0x08, 4, [
    ...flags(0, 'rw', L1_BITS),
    bits('T_CommonMode', 15, 8, 'rw', 'Common_Mode_Restore_Time (us)'),
    bits('ThresholdValue', 25, 16, 'rw', 'LTR_L1.2_THRESHOLD Value'),
    bits('ThresholdScale', 31, 29, 'rw', 'LTR_L1.2_THRESHOLD Scale'),
  ]),
  register('L1SubCtl2', 'L1 PM Substates Control 2', 0x0c, 4, [
    bits('PowerOnScale', 1, 0, 'rw', 'T_POWER_ON Scale', POWER_ON_SCALE),
    bits('PowerOnValue', 7, 3, 'rw', 'T_POWER_ON Value'),
  ]),
]);

export const PTM = capability(0x1f, 'PTM', 'Precision Time Measurement', [
  register('PTMCap', 'PTM Capability', 0x04, 4, [
    flag('Requester', 0, 'ro', 'PTM Requester Capable'),
    flag('Responder', 1, 'hw', 'PTM Responder Capable'),
    flag('Root', 2, 'hw', 'PTM Root Capable'),
    bits('PTMClockGranularity', 15, 8, 'ro', 'Local Clock Granularity (ns)'),
  ]),
  register('PTMControl', 'PTM Control', 0x08, 4, [
    flag('Enabled', 0, 'rw', 'PTM Enable'),
    flag('RootSelected', 1, 'rw', 'Root Select'),
    bits('PTMEffectiveGranularity', 15, 8, 'rw', 'Effective Granularity (ns)'),
  ]),
]);

export const M_PCIE = capability(0x20, 'M_PCIE', 'PCI Express over M_PHY', []);
export const FRS = capability(0x21, 'FRS', 'FRS Queueing', []);
export const RTR = capability(0x22, 'RTR', 'Readiness Time Reporting', []);

export const DVSEC = capability(0x23, 'DVSEC', 'Designated Vendor-Specific', [
  register('Header1', 'Designated Vendor-Specific Header 1', 0x04, 4, [
    bits('Vendor', 15, 0, 'ro', 'DVSEC Vendor ID'),
    bits('Rev', 19, 16, 'ro', 'DVSEC Revision'),
    bits('Len', 31, 20, 'ro', 'DVSEC Length'),
  ]),
  plain('ID', 'Designated Vendor-Specific Header 2: DVSEC ID', 0x08, 2, 'ro'),
]);

export const DATA_LINK_FEATURE = capability(0x25, 'DLNK', 'Data Link Feature', [
  plain('Cap', 'Data Link Feature Capabilities', 0x04, 4, 'hw'),
  plain('Sta', 'Data Link Feature Status', 0x08, 4, 'ro'),
]);

export const PHYSICAL_16GT = capability(0x26, '16GT', 'Physical Layer 16.0 GT/s', [
  plain('Cap', '16.0 GT/s Capabilities', 0x04, 4, 'ro'),
  plain('Ctl', '16.0 GT/s Control', 0x08, 4, 'ro'),
  register('Phy16Sta', '16.0 GT/s Status', 0x0c, 4, [
    flag('EquComplete', 0, 'ro', 'Equalization 16.0 GT/s Complete'),
    flag('EquPhase1', 1, 'ro', 'Equalization 16.0 GT/s Phase 1 Successful'),
    flag('EquPhase2', 2, 'ro', 'Equalization 16.0 GT/s Phase 2 Successful'),
    flag('EquPhase3', 3, 'ro', 'Equalization 16.0 GT/s Phase 3 Successful'),
    flag('LinkEquRequest', 4, 'w1c', 'Link Equalization Request 16.0 GT/s'),
  ]),
]);

export const LANE_MARGINING = capability(0x27, 'LMR', 'Lane Margining at the Receiver', [
  register('PortCap', 'Margining Port Capabilities', 0x04, 2, [
    flag('Uses Driver', 0, 'hw', 'Margining uses Driver Software'),
  ]),
  register('PortSta', 'Margining Port Status', 0x06, 2, [
    flag('MargReady', 0, 'ro', 'Margining Ready'),
    flag('MargSoftReady', 1, 'ro', 'Margining Software Ready'),
  ]),
]);

export const HIERARCHY_ID = capability(0x28, 'HIER_ID', 'Hierarchy ID', []);
export const NPEM = capability(0x29, 'NPEM', 'Native PCIe Enclosure Management', []);
export const PHYSICAL_32GT = capability(0x2a, '32GT', 'Physical Layer 32.0 GT/s', []);
export const ALTERNATE_PROTOCOL = capability(0x2b, 'ALT', 'Alternate Protocol', []);
export const SFI = capability(0x2c, 'SFI', 'System Firmware Intermediary', []);

export const DOE = capability(0x2e, 'DOE', 'Data Object Exchange', [
  register('DOECap', 'DOE Capabilities', 0x04, 4, [
    flag('IntSup', 0, 'hw', 'DOE Interrupt Support'),
    bits('Interrupt Message Number', 11, 1, 'ro', 'DOE Interrupt Message Number'),
  ]),
  register('DOECtl', 'DOE Control', 0x08, 4, [flag('IntEn', 1, 'rw', 'DOE Interrupt Enable')]),
  register('DOESta', 'DOE Status', 0x0c, 4, [
    flag('Busy', 0, 'ro', 'DOE Busy'),
    flag('IntSta', 1, 'w1c', 'DOE Interrupt Status'),
    flag('Error', 2, 'ro', 'DOE Error'),
    flag('ObjectReady', 31, 'ro', 'Data Object Ready'),
  ]),
]);

export const IDE = capability(0x30, 'IDE', 'Integrity & Data Encryption', []);
export const PHYSICAL_64GT = capability(0x31, '64GT', 'Physical Layer 64.0 GT/s', []);
export const DEVICE3 = capability(0x2f, 'DEV3', 'Device 3', []);

export const EXTENDED_CAPABILITIES: readonly CapabilityLayout[] = [
  AER,
  VC,
  DSN,
  POWER_BUDGETING,
  RC_LINK,
  RC_ILINK,
  RCEC,
  MFVC,
  VC2,
  RCRB,
  VENDOR_EXTENDED,
  ACS,
  ARI,
  ATS,
  SRIOV,
  MRIOV,
  MULTICAST,
  PRI,
  REBAR,
  DPA,
  TPH,
  LTR,
  SECONDARY_EXPRESS,
  PMUX,
  PASID,
  LNR,
  DPC,
  L1PM,
  PTM,
  M_PCIE,
  FRS,
  RTR,
  DVSEC,
  VF_REBAR,
  DATA_LINK_FEATURE,
  PHYSICAL_16GT,
  LANE_MARGINING,
  HIERARCHY_ID,
  NPEM,
  PHYSICAL_32GT,
  ALTERNATE_PROTOCOL,
  SFI,
  DOE,
  DEVICE3,
  IDE,
  PHYSICAL_64GT,
];
