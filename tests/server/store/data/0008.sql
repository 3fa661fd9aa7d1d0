insert into tokens (id, name, hash, scopes, repositories) values (1, 'ci', 'h', 'read,scan', '["team/*"]');
insert into sessions (id, hash, name, groups, expires_at) select 1, 'h', 'alice', '["team"]', created_at from tokens;
insert into registries (id, host, sync_error, held, confirmed) values (1, 'r.example:5000', 'it was away', 30, 30);
insert into events (id, registry_id, event_id, action, repository, tag, actor) values (1, 1, 'e-1', 'push', 'team/app', '1.0', 'alice');
insert into schedules (name) values ('UTC 0 3 * * *');
insert into repositories (id, registry_id, name) values (1, 1, 'team/app');
insert into images (id, digest, media_type, is_index, body) values (1, 'sha256:a', 'index', true, null), (2, 'sha256:b', 'image', false, '{}');
update images set admission_at = last_seen_at where id = 1;
insert into index_images (index_id, position, image_id, platform, runnable) values (1, 0, 2, 'linux/amd64', true);
insert into image_repositories (image_id, repository_id) values (1, 1), (2, 1);
insert into tags (id, repository_id, name, image_id, pushed_by) values (1, 1, '1.0', 1, 'alice');
insert into tag_history (id, tag_id, image_id, from_at) select 1, 1, 2, pushed_at from tags;
insert into advisories (id, fingerprint, body) values (1, 'fa', '{"id":"CVE-2026-1"}');
insert into advisory_names (name, advisory_id) values ('CVE-2026-1', 1);
insert into findings (id, fingerprint, advisory_id, severity, package, version, body) values (1, 'ff', 1, 4, 'bash', '5', '{}');
-- only sqlite
insert into finding_sets (id, fingerprint, total) values (1, 'fs', 1);
-- only sqlite
insert into set_findings (set_id, finding_id) values (1, 1);
-- only postgresql
insert into finding_sets (id, fingerprint, total, finding_ids) values (1, 'fs', 1, '{1}');
insert into runs (id, image_id, scanner, outcome, set_id, body) values (1, 2, 'trivy', 'ok', 1, '{"plugin":"trivy"}');
insert into latest (image_id, scanner, answer_id, said_id, try_id) values (2, 'trivy', 1, 1, 1);
insert into scanners (name, plugin, healthy) values ('trivy', 'trivy', true);
insert into summaries (image_id, configuration, verdict, high, total) values (2, 'c', 'vulnerable', 1, 1);
insert into requests (id, image_id, reason, priority, owner) values (1, 2, 'push', 10, 'me');
insert into request_sources (request_id, repository_id, tag) values (1, 1, '1.0');
-- only postgresql
insert into workers (owner, lock_key) values ('me', 7);
insert into news (id, uid, kind, about, repository_id, message) values (1, 'news_a', 'vulnerability.new', 'CVE-2026-1', 1, 'msg_a');
insert into news_names (repository_id, name, news_id) values (1, 'CVE-2026-1', 1);
insert into deliveries (id, message, channel, kind, body, tries, error) values (1, 'msg_a', 'team', 'vulnerability.new', '{"type":"vulnerability.new"}', 2, 'it answered 500');
-- only sqlite
insert into harbor_scans (uid, registration, url, repository, digest, tag, artifact, sealed, over_at) values ('u', 'main', 'https://harbor.example', 'team/app', 'sha256:b', '', '{}', x'00', 7);
-- only postgresql
insert into harbor_scans (uid, registration, url, repository, digest, tag, artifact, sealed, over_at) values ('u', 'main', 'https://harbor.example', 'team/app', 'sha256:b', '', '{}', '\x00', now());
