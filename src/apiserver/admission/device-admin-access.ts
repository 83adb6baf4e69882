import type { StatusCause } from '../../api/gen/meta-v1.ts';
import { invalid } from '../../api/status.ts';
import { lookUp } from '../registry/look-up.ts';
import type { AdmissionAttributes, Frozen } from '../registry/types.ts';
import { type AdmissionContext, type AdmissionPlugin, displayName } from './plugin.ts';

const group = 'resource.k8s.io';
const label = 'resource.kubernetes.io/admin-access';

interface Request {
  readonly adminAccess?: boolean;
  readonly exactly?: { readonly adminAccess?: boolean };
}

interface Asking {
  readonly spec?: {
    readonly devices?: { readonly requests?: readonly Request[] | null };
    readonly spec?: Asking['spec'];
  };
  readonly status?: { readonly allocation?: { readonly devices?: { readonly results?: readonly Request[] } } };
}

/** Where the object asks for devices as an administrator has them; undefined: nowhere. */
function asked(object: Frozen | undefined, part: 'spec' | 'status'): string | undefined {
  const { spec, status } = (object ?? {}) as Asking;
  const [path, list] =
    part === 'spec'
      ? ['spec.devices.requests', (spec?.spec ?? spec)?.devices?.requests]
      : ['status.allocation.devices.results', status?.allocation?.devices?.results];
  // A list that is missing may be null.
  const index = (list ?? []).findIndex(({ adminAccess, exactly }) => exactly?.adminAccess ?? adminAccess);
  return index < 0 ? undefined : `${path}[${index}].adminAccess`;
}

function fieldAsked({ subresource, object, oldObject }: AdmissionAttributes): string | undefined {
  if (subresource === undefined) return asked(object, 'spec');
  // What has been granted stays.
  return asked(oldObject, 'status') === undefined ? asked(object, 'status') : undefined;
}

/** Devices that others use are an administrator's: only namespaces that are labelled so get at them. */
export function deviceAdminAccess(context: AdmissionContext): AdmissionPlugin {
  return {
    name: 'DeviceAdminAccess',
    operations: ['CREATE', 'UPDATE'],
    resources: [`${group}/resourceclaims`, `${group}/resourceclaimtemplates`, `${group}/resourceclaims/status`],
    validate(a) {
      if ((a.operation === 'CREATE') !== (a.subresource === undefined)) return undefined;
      const field = fieldAsked(a);
      if (field === undefined) return undefined;
      return lookUp(context.registry(), { group: '', resource: 'namespaces' }, { name: a.namespace }).then(
        (namespace) => {
          if (namespace?.metadata.labels?.[label] === 'true') return;
          const why = `Forbidden: admin access to devices requires the \`${label}: true\` label on the containing namespace`;
          const cause: StatusCause = { reason: 'FieldValueForbidden', message: why, field };
          throw invalid({ group, kind: a.kind.kind }, displayName(a), [cause]);
        },
      );
    },
  };
}
