import type { SubjectAccessReview } from '../../api/gen/authorization-v1.ts';
import type { CertificateSigningRequest } from '../../api/gen/certificates-v1.ts';
import { certificatesigningrequests, subjectaccessreviews } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import { parseRequest } from '../../pki/request.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, type Outcome, watching } from '../runtime/controller.ts';
import { timeOf, timeText } from '../runtime/time.ts';
import { hasCondition, isBuiltIn, kubeletClientAsk } from './approve.ts';
import { signerProblem } from './signer-problem.ts';

const hourMs = 3_600_000;
const day = 24 * hourMs;

/** How long a request is kept, by what became of it. */
export function keptUntil(csr: CertificateSigningRequest): number {
  const created = timeOf(csr.metadata.creationTimestamp);
  const decided = (type: string): number | undefined => {
    const found = csr.status?.conditions?.find((c) => c.type === type);
    return found && timeOf(found.lastUpdateTime ?? found.lastTransitionTime ?? csr.metadata.creationTimestamp);
  };
  const approved = decided('Approved');
  if (csr.status?.certificate) return (approved ?? created) + hourMs;
  return (decided('Denied') ?? decided('Failed') ?? approved ?? created + day - hourMs) + hourMs;
}

const decoded = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString();

/** Approves the requests of kubelets, signs what is approved for the built-in signers, deletes what is old. */
export function createCsrController(context: ControllerContext): Component {
  const { client, informers, now, settings } = context;
  const informer = informers.informer(certificatesigningrequests);

  const mayAsk = async (csr: CertificateSigningRequest, subresource: string): Promise<boolean> => {
    const { username = '', groups, uid, extra } = csr.spec ?? {};
    const review: SubjectAccessReview = {
      metadata: {},
      spec: {
        user: username,
        groups,
        uid,
        extra,
        resourceAttributes: {
          group: 'certificates.k8s.io',
          resource: 'certificatesigningrequests',
          verb: 'create',
          subresource,
          version: '*',
        },
      },
    } as SubjectAccessReview;
    return (await client.create(subjectaccessreviews, review)).status?.allowed === true;
  };

  const approve = async (csr: CertificateSigningRequest): Promise<CertificateSigningRequest> => {
    const request = parseRequest(decoded(csr.spec?.request));
    const { dnsNames, addresses, emails, uris, otherNames } = request;
    const names = dnsNames.length + addresses.length + emails + uris + otherNames;
    const ask = kubeletClientAsk(csr, {
      commonName: request.subject.commonName ?? '',
      organizations: request.subject.organizations ?? [],
      hasNames: names > 0,
    });
    if (!ask || !(await mayAsk(csr, ask))) return csr;
    const at = timeText(now());
    const who = ask === 'selfnodeclient' ? 'self kubelet client' : 'kubelet client';
    const condition = {
      type: 'Approved',
      status: 'True',
      reason: 'AutoApproved',
      message: `Auto approving ${who} certificate after SubjectAccessReview.`,
      lastUpdateTime: at,
      lastTransitionTime: at,
    };
    const conditions = [...(csr.status?.conditions ?? []), condition];
    const object = { ...csr, status: { ...csr.status, conditions } };
    return client.update(certificatesigningrequests, object, { subresource: 'approval' });
  };

  const sign = async (csr: CertificateSigningRequest): Promise<void> => {
    const { signer } = settings;
    if (!signer || !isBuiltIn(csr) || csr.status?.certificate || hasCondition(csr, 'Failed')) return;
    let status: CertificateSigningRequest['status'];
    const problem = signerProblem(csr, parseRequest(decoded(csr.spec?.request)));
    if (problem === undefined) {
      const chain = await signer({
        signerName: csr.spec?.signerName ?? '',
        csr: decoded(csr.spec?.request),
        usages: csr.spec?.usages ?? [],
        expirationSeconds: csr.spec?.expirationSeconds,
      });
      status = {
        ...csr.status,
        certificate: Buffer.from(chain).toString('base64'),
      } as CertificateSigningRequest['status'];
    } else {
      const at = timeText(now());
      const failed = {
        type: 'Failed',
        status: 'True',
        reason: 'SignerValidationFailure',
        message: problem,
        lastUpdateTime: at,
        lastTransitionTime: at,
      };
      status = { ...csr.status, conditions: [...(csr.status?.conditions ?? []), failed] };
    }
    informer.observe(await client.update(certificatesigningrequests, { ...csr, status }, { subresource: 'status' }));
  };

  return createController({
    name: 'csr',
    log: context.log.child('csr'),
    watches: (queue) => [watching(queue, informer)],
    async reconcile(name): Promise<Outcome> {
      let csr = informer.get(name);
      if (!csr) return undefined;
      const left = keptUntil(csr) - now();
      if (left <= 0) {
        try {
          await client.delete(certificatesigningrequests, name, { preconditions: { uid: csr.metadata.uid } });
        } catch (error) {
          if (!isApiError(error, 'NotFound')) throw error;
        }
        return undefined;
      }
      if (!hasCondition(csr, 'Denied') && !hasCondition(csr, 'Approved')) csr = await approve(csr);
      if (hasCondition(csr, 'Approved') && !hasCondition(csr, 'Denied')) await sign(csr);
      return { requeueAfterMs: left };
    },
  });
}
