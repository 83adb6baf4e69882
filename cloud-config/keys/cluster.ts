import { fields, flag, list, map, type Of, text } from '../shape.ts';

const endpoint = text('URL of the mirror', {
  pattern: /^(https?:\/\/)?[\w[][^\s:]*(:\d+)?(\/\S*)?$/,
  expects: 'a URL, or a host, like https://registry.example',
});

/** `registries`: what K3s reads from registries.yaml, under the same names. */
export const registries = fields('image registries, as in K3s’s registries.yaml', {
  mirrors: map(
    'by registry, or "*" for all',
    fields(
      'where its images are fetched from',
      { endpoint: list('tried in this order', endpoint) },
      { elsewhere: { rewrite: 'containerd asks mirrors for the same name; leave it out' } },
    ),
  ),
  configs: map(
    'by registry, or "*" for all',
    fields('how it is talked to', {
      auth: fields(
        'who we are',
        {
          username: text('name'),
          password: text('password', { secret: true }),
          auth: text('name and password in base64', { secret: true }),
          token: text('identity token', { secret: true }),
        },
        { aliases: { identity_token: 'token' } },
      ),
      tls: fields('how it is trusted', {
        ca_file: text('file of its authority'),
        cert_file: text('file of our certificate'),
        key_file: text('file of our key'),
        insecure_skip_verify: flag('its certificate is not checked'),
      }),
    }),
  ),
});
export type Registries = Of<typeof registries>;
