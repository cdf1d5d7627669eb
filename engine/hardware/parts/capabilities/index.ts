/** The pieces that config spaces of parts are built from. */
export * from './express';
export * from './extended';
export * from './standard';
