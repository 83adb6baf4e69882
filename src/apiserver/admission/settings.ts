import type { LimitedResource } from './limited-resources.ts';
import type { PodSecuritySettings } from './pod-security/settings.ts';

/** What differs from the plug-ins that are there by default, by upstream's names. */
export interface AdmissionSettings {
  readonly without?: readonly string[] | undefined;
  readonly with?: readonly string[] | undefined;
  readonly podSecurity?: PodSecuritySettings | undefined;
  /** What may be used only where a quota covers it. Default: nothing. */
  readonly limitedResources?: readonly LimitedResource[] | undefined;
  /** How long pods stay on a node that is not ready, or not reachable. Default 300 both. */
  readonly tolerationSeconds?: { readonly notReady?: number; readonly unreachable?: number } | undefined;
}
