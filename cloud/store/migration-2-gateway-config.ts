/** Migration 2, part: configurations sent to gateways (see schema.ts for what the columns mean). */

export const gatewayConfigTables: readonly string[] = [
  `create table gateway_config_transitions (
    from_state text not null, to_state text not null, primary key (from_state, to_state))`,
  `create table gateway_configs (
    site text not null, gateway text not null, version bigint not null,
    previous_state text not null, state text not null, at bigint not null,
    yaml text not null, base text not null, reason text not null,
    created_by text not null, created_at bigint not null, sent_by text, sent_at bigint,
    confirm_before bigint, why text, say text, problems text not null, diff text,
    primary key (site, gateway, version),
    foreign key (previous_state, state) references gateway_config_transitions (from_state, to_state))`,
  `create unique index gateway_configs_draft on gateway_configs (site, gateway) where state = 'draft'`,
  // A gateway has one on trial at a time.
  `create unique index gateway_configs_under_way on gateway_configs (site, gateway)
    where state = 'sent' or state = 'staged' or state = 'applied'`,
  `create table gateway_config_present (
    site text not null, gateway text not null, hash text not null, source text not null, version bigint,
    yaml text not null, allowed bigint not null, read_at bigint not null,
    primary key (site, gateway))`,
]
