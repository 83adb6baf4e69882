/** The one part of node-forge that is needed, without the fifty files that its entry loads. */
declare module 'node-forge/lib/asn1.js' {
  import { asn1 } from 'node-forge';

  export default asn1;
}
