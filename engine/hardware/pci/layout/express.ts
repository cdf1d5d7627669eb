/** PCI Express capability (PCIe 7.5.3). */
import { bits, capability, flag, flags, register } from './types';

const PAYLOAD = [
  '128 bytes',
  '256 bytes',
  '512 bytes',
  '1024 bytes',
  '2048 bytes',
  '4096 bytes',
  '8192 bytes',
  '16384 bytes',
];
const L0S = ['<64ns', '<128ns', '<256ns', '<512ns', '<1us', '<2us', '<4us', 'unlimited'];
const L1 = ['<1us', '<2us', '<4us', '<8us', '<16us', '<32us', '<64us', 'unlimited'];
const SPEED = ['unknown', '2.5GT/s', '5GT/s', '8GT/s', '16GT/s', '32GT/s', '64GT/s'];
const ASPM = ['not supported', 'L0s', 'L1', 'L0s L1'];
const ASPM_CONTROL = ['Disabled', 'L0s Enabled', 'L1 Enabled', 'L0s L1 Enabled'];
const INDICATOR = ['Unknown', 'On', 'Blink', 'Off'];

export const PORT_TYPES: readonly string[] = [
  'Endpoint',
  'Legacy Endpoint',
  'Unknown type 2',
  'Unknown type 3',
  'Root Port',
  'Upstream Port',
  'Downstream Port',
  'PCI-Express to PCI/PCI-X Bridge',
  'PCI/PCI-X to PCI-Express Bridge',
  'Root Complex Integrated Endpoint',
  'Root Complex Event Collector',
  'Unknown type 11',
  'Unknown type 12',
  'Unknown type 13',
  'Unknown type 14',
  'Unknown type 15',
];

export const COMPLETION_TIMEOUT_RANGES: readonly string[] = (() => {
  const ranges = Array<string>(16).fill('Unknown');
  for (const [code, text] of [
    [0, 'Not Supported'],
    [1, 'Range A'],
    [2, 'Range B'],
    [3, 'Range AB'],
    [6, 'Range BC'],
    [7, 'Range ABC'],
    [14, 'Range BCD'],
    [15, 'Range ABCD'],
  ] as const) {
    ranges[code] = text;
  }
  return ranges;
})();

export const COMPLETION_TIMEOUTS: readonly string[] = (() => {
  const timeouts = Array<string>(16).fill('Unknown');
  for (const [code, text] of [
    [0, '50us to 50ms'],
    [1, '50us to 100us'],
    [2, '1ms to 10ms'],
    [5, '16ms to 55ms'],
    [6, '65ms to 210ms'],
    [9, '260ms to 900ms'],
    [10, '1s to 3.5s'],
    [13, '4s to 13s'],
    [14, '17s to 64s'],
  ] as const) {
    timeouts[code] = text;
  }
  return timeouts;
})();

const LINK2_SPEED = ['2.5GT/s', '2.5GT/s', '5GT/s', '8GT/s', '16GT/s', '32GT/s', '64GT/s'];
const DEEMPHASIS = ['-6dB', '-3.5dB'];
const TRANSMIT_MARGIN = ['Normal Operating Range'];
export const PRESETS: readonly string[] = [
  '-6dB de-emphasis, 0dB preshoot',
  '-3.5dB de-emphasis, 0dB preshoot',
  '-4.4dB de-emphasis, 0dB preshoot',
  '-2.5dB de-emphasis, 0dB preshoot',
  '0dB de-emphasis, 0dB preshoot',
  '0dB de-emphasis, 1.9dB preshoot',
  '0dB de-emphasis, 2.5dB preshoot',
  '-6.0dB de-emphasis, 3.5dB preshoot',
  '-3.5dB de-emphasis, 3.5dB preshoot',
  '0dB de-emphasis, 3.5dB preshoot',
];
const OBFF_CAP = ['Not Supported', 'Via message', 'Via WAKE#', 'Via message/WAKE#'];
const OBFF_CONTROL = ['Disabled', 'Via message A', 'Via message B', 'Via WAKE#'];
const EMERGENCY = ['Not Supported', 'Dev Specific', 'Form Factor Dev Specific', 'Reserved'];
const LN_CLS = ['Not Supported', '64byte cachelines', '128byte cachelines', 'Reserved'];
const CROSSLINK = ['unsupported', 'Upstream Port', 'Downstream Port', 'incomplete'];

export const EXPRESS = capability(
  0x10,
  'EXP',
  'Express',
  [
    register('Flags', 'PCI Express Capabilities', 0x02, 2, [
      bits('Version', 3, 0, 'ro', 'Capability Version'),
      bits('Type', 7, 4, 'ro', 'Device/Port Type', PORT_TYPES),
      flag('Slot', 8, 'hw', 'Slot Implemented'),
      bits('MSI', 13, 9, 'ro', 'Interrupt Message Number'),
    ]),
    register('DevCap', 'Device Capabilities', 0x04, 4, [
      bits('MaxPayload', 2, 0, 'ro', 'Max_Payload_Size Supported', PAYLOAD),
      bits('PhantFunc', 4, 3, 'ro', 'Phantom Functions Supported'),
      flag('ExtTag', 5, 'ro', 'Extended Tag Field Supported'),
      bits('Latency L0s', 8, 6, 'ro', 'Endpoint L0s Acceptable Latency', L0S),
      bits('L1', 11, 9, 'ro', 'Endpoint L1 Acceptable Latency', L1),
      flag('AttnBtn', 12, 'ro', 'Attention Button Present'),
      flag('AttnInd', 13, 'ro', 'Attention Indicator Present'),
      flag('PwrInd', 14, 'ro', 'Power Indicator Present'),
      flag('RBE', 15, 'ro', 'Role-Based Error Reporting'),
      bits('SlotPowerLimit', 25, 18, 'ro', 'Captured Slot Power Limit Value'),
      bits('SlotPowerScale', 27, 26, 'ro', 'Captured Slot Power Limit Scale'),
      flag('FLReset', 28, 'ro', 'Function Level Reset Capability'),
      flag('TEE-IO', 30, 'hw', 'TEE-IO Supported'),
    ]),
    register('DevCtl', 'Device Control', 0x08, 2, [
      flag('CorrErr', 0, 'rw', 'Correctable Error Reporting Enable'),
      flag('NonFatalErr', 1, 'rw', 'Non-Fatal Error Reporting Enable'),
      flag('FatalErr', 2, 'rw', 'Fatal Error Reporting Enable'),
      flag('UnsupReq', 3, 'rw', 'Unsupported Request Reporting Enable'),
      flag('RlxdOrd', 4, 'rw', 'Enable Relaxed Ordering'),
      bits('MaxPayload', 7, 5, 'rw', 'Max_Payload_Size', PAYLOAD),
      flag('ExtTag', 8, 'rw', 'Extended Tag Field Enable'),
      flag('PhantFunc', 9, 'rw', 'Phantom Functions Enable'),
      flag('AuxPwr', 10, 'rw', 'Aux Power PM Enable'),
      flag('NoSnoop', 11, 'rw', 'Enable No Snoop'),
      bits('MaxReadReq', 14, 12, 'rw', 'Max_Read_Request_Size', PAYLOAD),
      flag('FLReset', 15, 'rw', 'Initiate Function Level Reset / Bridge Configuration Retry Enable'),
    ]),
    register('DevSta', 'Device Status', 0x0a, 2, [
      flag('CorrErr', 0, 'w1c', 'Correctable Error Detected'),
      flag('NonFatalErr', 1, 'w1c', 'Non-Fatal Error Detected'),
      flag('FatalErr', 2, 'w1c', 'Fatal Error Detected'),
      flag('UnsupReq', 3, 'w1c', 'Unsupported Request Detected'),
      flag('AuxPwr', 4, 'ro', 'Aux Power Detected'),
      flag('TransPend', 5, 'ro', 'Transactions Pending'),
    ]),
    register('LnkCap', 'Link Capabilities', 0x0c, 4, [
      bits('Speed', 3, 0, 'ro', 'Max Link Speed', SPEED),
      bits('Width', 9, 4, 'ro', 'Maximum Link Width'),
      bits('ASPM', 11, 10, 'ro', 'Active State Power Management Support', ASPM),
      bits('L0s', 14, 12, 'ro', 'L0s Exit Latency', L0S),
      bits('L1', 17, 15, 'ro', 'L1 Exit Latency', L1),
      flag('ClockPM', 18, 'ro', 'Clock Power Management'),
      flag('Surprise', 19, 'ro', 'Surprise Down Error Reporting Capable'),
      flag('LLActRep', 20, 'ro', 'Data Link Layer Link Active Reporting Capable'),
      flag('BwNot', 21, 'ro', 'Link Bandwidth Notification Capability'),
      flag('ASPMOptComp', 22, 'hw', 'ASPM Optionality Compliance'),
      bits('Port', 31, 24, 'hw', 'Port Number'),
    ]),
    register('LnkCtl', 'Link Control', 0x10, 2, [
      bits('ASPM', 1, 0, 'rw', 'Active State Power Management Control', ASPM_CONTROL),
      bits('RCB', 3, 3, 'rw', 'Read Completion Boundary', ['64 bytes', '128 bytes']),
      flag('Disabled', 4, 'rw', 'Link Disable'),
      flag('Retrain', 5, 'rw', 'Retrain Link'),
      flag('CommClk', 6, 'rw', 'Common Clock Configuration'),
      flag('ExtSynch', 7, 'rw', 'Extended Synch'),
      flag('ClockPM', 8, 'rw', 'Enable Clock Power Management'),
      flag('AutWidDis', 9, 'rw', 'Hardware Autonomous Width Disable'),
      flag('BWInt', 10, 'rw', 'Link Bandwidth Management Interrupt Enable'),
      flag('AutBWInt', 11, 'rw', 'Link Autonomous Bandwidth Interrupt Enable'),
      flag('FltModeDis', 13, 'rw', 'Flit Mode Disable'),
    ]),
    register('LnkSta', 'Link Status', 0x12, 2, [
      bits('Speed', 3, 0, 'ro', 'Current Link Speed', SPEED),
      bits('Width', 9, 4, 'ro', 'Negotiated Link Width'),
      flag('TrErr', 10, 'ro', 'Training Error'),
      flag('Train', 11, 'ro', 'Link Training'),
      flag('SlotClk', 12, 'hw', 'Slot Clock Configuration'),
      flag('DLActive', 13, 'ro', 'Data Link Layer Link Active'),
      flag('BWMgmt', 14, 'w1c', 'Link Bandwidth Management Status'),
      flag('ABWMgmt', 15, 'w1c', 'Link Autonomous Bandwidth Status'),
    ]),
    register('SltCap', 'Slot Capabilities', 0x14, 4, [
      ...flags(0, 'hw', [
        ['AttnBtn', 'Attention Button Present'],
        ['PwrCtrl', 'Power Controller Present'],
        ['MRL', 'MRL Sensor Present'],
        ['AttnInd', 'Attention Indicator Present'],
        ['PwrInd', 'Power Indicator Present'],
        ['Surprise', 'Hot-Plug Surprise'],
        ['HotPlug', 'Hot-Plug Capable'],
      ]),
      bits('PowerLimit', 14, 7, 'hw', 'Slot Power Limit Value'),
      bits('PowerScale', 16, 15, 'hw', 'Slot Power Limit Scale'),
      flag('Interlock', 17, 'hw', 'Electromechanical Interlock Present'),
      flag('NoCompl', 18, 'hw', 'No Command Completed Support'),
      bits('Slot', 31, 19, 'hw', 'Physical Slot Number'),
    ]),
    register('SltCtl', 'Slot Control', 0x18, 2, [
      ...flags(0, 'rw', [
        ['AttnBtn', 'Attention Button Pressed Enable'],
        ['PwrFlt', 'Power Fault Detected Enable'],
        ['MRL', 'MRL Sensor Changed Enable'],
        ['PresDet', 'Presence Detect Changed Enable'],
        ['CmdCplt', 'Command Completed Interrupt Enable'],
        ['HPIrq', 'Hot-Plug Interrupt Enable'],
      ]),
      bits('AttnInd', 7, 6, 'rw', 'Attention Indicator Control', INDICATOR),
      bits('PwrInd', 9, 8, 'rw', 'Power Indicator Control', INDICATOR),
      flag('Power', 10, 'rw', 'Power Controller Control (1: off)'),
      flag('Interlock', 11, 'rw', 'Electromechanical Interlock Control'),
      flag('LinkChg', 12, 'rw', 'Data Link Layer State Changed Enable'),
    ]),
    register('SltSta', 'Slot Status', 0x1a, 2, [
      flag('AttnBtn', 0, 'w1c', 'Attention Button Pressed'),
      flag('PowerFlt', 1, 'w1c', 'Power Fault Detected'),
      flag('MRL changed', 2, 'w1c', 'MRL Sensor Changed'),
      flag('PresDet changed', 3, 'w1c', 'Presence Detect Changed'),
      flag('CmdCplt', 4, 'w1c', 'Command Completed'),
      flag('MRL', 5, 'ro', 'MRL Sensor State'),
      flag('PresDet', 6, 'ro', 'Presence Detect State'),
      flag('Interlock', 7, 'ro', 'Electromechanical Interlock Status'),
      flag('LinkState', 8, 'w1c', 'Data Link Layer State Changed'),
    ]),
    register('RootCtl', 'Root Control', 0x1c, 2, [
      flag('ErrCorrectable', 0, 'rw', 'System Error on Correctable Error Enable'),
      flag('ErrNon-Fatal', 1, 'rw', 'System Error on Non-Fatal Error Enable'),
      flag('ErrFatal', 2, 'rw', 'System Error on Fatal Error Enable'),
      flag('PMEIntEna', 3, 'rw', 'PME Interrupt Enable'),
      flag('CRSVisible', 4, 'rw', 'Configuration RRS Software Visibility Enable'),
    ]),
    register('RootCap', 'Root Capabilities', 0x1e, 2, [
      flag('CRSVisible', 0, 'ro', 'Configuration RRS Software Visibility'),
    ]),
    register('RootSta', 'Root Status', 0x20, 4, [
      bits('PME ReqID', 15, 0, 'ro', 'PME Requester ID'),
      flag('PMEStatus', 16, 'w1c', 'PME Status'),
      flag('PMEPending', 17, 'ro', 'PME Pending'),
    ]),
    register('DevCap2', 'Device Capabilities 2', 0x24, 4, [
      bits('Completion Timeout', 3, 0, 'hw', 'Completion Timeout Ranges Supported', COMPLETION_TIMEOUT_RANGES),
      flag('TimeoutDis', 4, 'ro', 'Completion Timeout Disable Supported'),
      flag('ARIFwd', 5, 'ro', 'ARI Forwarding Supported'),
      flag('Routing', 6, 'ro', 'AtomicOp Routing Supported'),
      flag('32bit', 7, 'ro', '32-bit AtomicOp Completer Supported'),
      flag('64bit', 8, 'ro', '64-bit AtomicOp Completer Supported'),
      flag('128bitCAS', 9, 'ro', '128-bit CAS Completer Supported'),
      flag('NROPrPrP', 10, 'ro', 'No RO-enabled PR-PR Passing'),
      flag('LTR', 11, 'ro', 'LTR Mechanism Supported'),
      bits('TPHComp', 13, 12, 'ro', 'TPH Completer Supported'),
      bits('LN System CLS', 15, 14, 'hw', 'LN System CLS', LN_CLS),
      flag('10BitTagComp', 16, 'hw', '10-Bit Tag Completer Supported'),
      flag('10BitTagReq', 17, 'hw', '10-Bit Tag Requester Supported'),
      bits('OBFF', 19, 18, 'hw', 'OBFF Supported', OBFF_CAP),
      flag('ExtFmt', 20, 'hw', 'Extended Fmt Field Supported'),
      flag('EETLPPrefix', 21, 'hw', 'End-End TLP Prefix Supported'),
      bits('MaxEETLPPrefixes', 23, 22, 'hw', 'Max End-End TLP Prefixes'),
      bits('EmergencyPowerReduction', 25, 24, 'hw', 'Emergency Power Reduction Supported', EMERGENCY),
      flag('EmergencyPowerReductionInit', 26, 'hw', 'Emergency Power Reduction Initialization Required'),
      flag('FRS', 31, 'hw', 'FRS Supported'),
    ]),
    register('DevCtl2', 'Device Control 2', 0x28, 2, [
      bits('Completion Timeout', 3, 0, 'rw', 'Completion Timeout Value', COMPLETION_TIMEOUTS),
      flag('TimeoutDis', 4, 'rw', 'Completion Timeout Disable'),
      flag('ARIFwd', 5, 'rw', 'ARI Forwarding Enable'),
      flag('ReqEn', 6, 'rw', 'AtomicOp Requester Enable'),
      flag('EgressBlck', 7, 'rw', 'AtomicOp Egress Blocking'),
      flag('IDOReq', 8, 'rw', 'IDO Request Enable'),
      flag('IDOCompl', 9, 'rw', 'IDO Completion Enable'),
      flag('LTR', 10, 'rw', 'LTR Mechanism Enable'),
      flag('EmergencyPowerReductionReq', 11, 'rw', 'Emergency Power Reduction Request'),
      flag('10BitTagReq', 12, 'rw', '10-Bit Tag Requester Enable'),
      bits('OBFF', 14, 13, 'rw', 'OBFF Enable', OBFF_CONTROL),
      flag('EETLPPrefixBlk', 15, 'rw', 'End-End TLP Prefix Blocking'),
    ]),
    register('DevSta2', 'Device Status 2', 0x2a, 2, []),
    register('LnkCap2', 'Link Capabilities 2', 0x2c, 4, [
      bits('Speeds', 7, 1, 'hw', 'Supported Link Speeds Vector'),
      flag('Crosslink', 8, 'ro', 'Crosslink Supported'),
      flag('Retimer', 23, 'hw', 'Retimer Presence Detect Supported'),
      flag('2Retimers', 24, 'hw', 'Two Retimers Presence Detect Supported'),
      flag('DRS', 31, 'hw', 'DRS Supported'),
    ]),
    register('LnkCtl2', 'Link Control 2', 0x30, 2, [
      bits('Target Link Speed', 3, 0, 'rw', 'Target Link Speed', LINK2_SPEED),
      flag('EnterCompliance', 4, 'rw', 'Enter Compliance'),
      flag('SpeedDis', 5, 'rw', 'Hardware Autonomous Speed Disable'),
      bits('Selectable De-emphasis', 6, 6, 'hw', 'Selectable De-emphasis', DEEMPHASIS),
      bits('Transmit Margin', 9, 7, 'rw', 'Transmit Margin', TRANSMIT_MARGIN),
      flag('EnterModifiedCompliance', 10, 'rw', 'Enter Modified Compliance'),
      flag('ComplianceSOS', 11, 'rw', 'Compliance SOS'),
      bits('Compliance Preset/De-emphasis', 15, 12, 'rw', 'Compliance Preset/De-emphasis', PRESETS),
    ]),
    register('LnkSta2', 'Link Status 2', 0x32, 2, [
      bits('Current De-emphasis Level', 0, 0, 'ro', 'Current De-emphasis Level', DEEMPHASIS),
      flag('EqualizationComplete', 1, 'ro', 'Equalization 8.0 GT/s Complete'),
      flag('EqualizationPhase1', 2, 'ro', 'Equalization 8.0 GT/s Phase 1 Successful'),
      flag('EqualizationPhase2', 3, 'ro', 'Equalization 8.0 GT/s Phase 2 Successful'),
      flag('EqualizationPhase3', 4, 'ro', 'Equalization 8.0 GT/s Phase 3 Successful'),
      flag('LinkEqualizationRequest', 5, 'w1c', 'Link Equalization Request 8.0 GT/s'),
      flag('Retimer', 6, 'ro', 'Retimer Presence Detected'),
      flag('2Retimers', 7, 'ro', 'Two Retimers Presence Detected'),
      bits('CrosslinkRes', 9, 8, 'ro', 'Crosslink Resolution', CROSSLINK),
    ]),
  ],
  0x3c,
);
