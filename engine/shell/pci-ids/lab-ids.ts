/** Names of the devices that only the lab has, in the form of the database. */
export const LAB_IDS = `
1ab0  VFIO Lab
	0001  Network controller
	0002  Network controller virtual function
	0003  Network controller with SR-IOV
	0010  Accelerator
`;
