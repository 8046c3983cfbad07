declare const GODEL_VERSION: string;
