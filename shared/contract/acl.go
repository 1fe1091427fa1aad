package contract

// Permissions are the subjects a NATS user may publish and subscribe to.
type Permissions struct {
	Publish   []string
	Subscribe []string
}

// ControlPlanePermissions are the least permissions of a control plane: it
// provisions streams, writes both buckets and drains usage.
func (n Names) ControlPlanePermissions() Permissions {
	p := n.prefix
	return Permissions{
		Publish: []string{
			p + ".>",
			"$KV." + p + "-config.>", "$KV." + p + "-principals.>", "$KV." + p + "-members.>",
			"$JS.API.>", "$JS.ACK.>", "$JS.FC.>",
		},
		Subscribe: []string{p + ".>", n.InboxPrefix(ControlPlane) + ".>"},
	}
}

// DataPlanePermissions are the least permissions of a data plane: it reads
// config and principals, writes its heartbeat and publishes usage and events.
// It can not change config, read usage, or list keys.
func (n Names) DataPlanePermissions() Permissions {
	p := n.prefix
	cfg, prin, mem := KVStream(n.ConfigBucket()), KVStream(n.PrincipalsBucket()), KVStream(n.MembersBucket())
	resp, cache := KVStream(n.ResponsesBucket()), KVStream(n.CacheBucket())
	return Permissions{
		Publish: []string{
			p + ".usage.*", p + ".events.>", n.RouterWildcard(),
			"$KV." + n.MembersBucket() + ".*",
			"$JS.API.STREAM.INFO." + cfg, "$JS.API.STREAM.INFO." + prin, "$JS.API.STREAM.INFO." + mem,
			"$KV." + n.ResponsesBucket() + ".*", "$JS.API.STREAM.INFO." + resp, "$JS.API.STREAM.MSG.GET." + resp,
			"$KV." + n.CacheBucket() + ".>", n.CacheChanges(), "$JS.API.STREAM.INFO." + cache, "$JS.API.STREAM.PURGE." + cache,
			"$JS.API.DIRECT.GET." + cache, "$JS.API.DIRECT.GET." + cache + ".>",
			"$JS.API.DIRECT.GET." + prin + ".>", "$JS.API.STREAM.MSG.GET." + prin,
			"$JS.API.CONSUMER.CREATE." + cfg + ".>", "$JS.API.CONSUMER.DELETE." + cfg + ".>", "$JS.API.CONSUMER.INFO." + cfg + ".>",
			"$JS.API.CONSUMER.CREATE." + mem + ".>", "$JS.API.CONSUMER.DELETE." + mem + ".>",
			"$JS.API.CONSUMER.MSG.NEXT." + cfg + ".>",
			"$JS.FC." + cfg + ".>", "$JS.FC." + mem + ".>",
		},
		Subscribe: []string{p + ".cfg.>", n.RouterWildcard(), n.CacheChanges(), n.InboxPrefix(DataPlane) + ".>"},
	}
}
