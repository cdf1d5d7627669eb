/** Sample machines that are put together by hand; `scripts/build-sample-machines.mjs` writes them to `labs/machines/`. */
export { sampleText } from './booted';
export { DRIVER_BENCH } from './driver-bench';
export { WORKSTATION } from './workstation';
