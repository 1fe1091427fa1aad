package contract

// Permissions are the subjects a NATS user may publish and subscribe to.
type Permissions struct {
	Publish   []string
	Subscribe []string
	// Respond lets the user answer whoever asks it something, once a question.
	Respond bool
}

// ControlPlanePermissions are the least permissions of a control plane: it
// provisions streams, writes both buckets, drains usage and answers data planes.
func (n Names) ControlPlanePermissions() Permissions {
	p := n.prefix
	return Permissions{
		Publish: []string{
			p + ".>",
			"$KV." + p + "-config.>", "$KV." + p + "-principals.>", "$KV." + p + "-members.>",
			"$JS.API.>", "$JS.ACK.>", "$JS.FC.>", n.InboxPrefix(DataPlane) + ".>",
		},
		Subscribe: []string{p + ".>", n.InboxPrefix(ControlPlane) + ".>"},
	}
}

// DataPlanePermissions are the least permissions of a data plane: it reads
// config and principals, writes its heartbeat, publishes usage and events, and
// counts what limits are about. It can not change config, read usage or list
// keys, and all that it can do to a counter is to add to it.
func (n Names) DataPlanePermissions() Permissions {
	p := n.prefix
	cfg, prin, mem := KVStream(n.ConfigBucket()), KVStream(n.PrincipalsBucket()), KVStream(n.MembersBucket())
	resp, cache := KVStream(n.ResponsesBucket()), KVStream(n.CacheBucket())
	publish := []string{
		p + ".usage.*", n.TranscriptWildcard(), p + ".events.>", n.RouterWildcard(),
		"$KV." + n.MembersBucket() + ".*", n.EnrolSubject(),
		"$JS.API.STREAM.INFO." + cfg, "$JS.API.STREAM.INFO." + prin, "$JS.API.STREAM.INFO." + mem,
		"$KV." + n.ResponsesBucket() + ".*", "$JS.API.STREAM.INFO." + resp, "$JS.API.STREAM.MSG.GET." + resp,
		"$KV." + n.CacheBucket() + ".>", n.CacheChanges(), "$JS.API.STREAM.INFO." + cache, "$JS.API.STREAM.PURGE." + cache,
		"$JS.API.DIRECT.GET." + cache, "$JS.API.DIRECT.GET." + cache + ".>",
		"$JS.API.DIRECT.GET." + prin + ".>", "$JS.API.STREAM.MSG.GET." + prin,
		"$JS.API.CONSUMER.CREATE." + cfg + ".>", "$JS.API.CONSUMER.DELETE." + cfg + ".>", "$JS.API.CONSUMER.INFO." + cfg + ".>",
		"$JS.API.CONSUMER.CREATE." + mem + ".>", "$JS.API.CONSUMER.DELETE." + mem + ".>",
		"$JS.API.CONSUMER.MSG.NEXT." + cfg + ".>",
		"$JS.FC." + cfg + ".>", "$JS.FC." + mem + ".>",
	}
	return Permissions{
		Publish: append(publish, n.countingSubjects()...),
		Subscribe: []string{
			p + ".cfg.>", n.RouterWildcard(), n.CacheChanges(), n.InboxPrefix(DataPlane) + ".>",
			n.ReclaimSubject(), n.LimitReportSubject(), p + ".slots.>", n.SeatBeats(),
		},
		Respond: true,
	}
}

// countingSubjects are what a data plane publishes to count: the counters, the
// records of slots and seats, and what replicas tell each other of them.
func (n Names) countingSubjects() []string {
	p := n.prefix
	all := []string{
		p + ".limits.>", p + ".slots.>", n.SeatBeats(),
		"$KV." + n.SlotsBucket() + ".>", KVSubject(n.SeatsBucket(), "plan"),
	}
	streams := []string{KVStream(n.SlotsBucket()), KVStream(n.SeatsBucket())}
	for _, class := range []string{"m", "h", "d", "b"} {
		streams = append(streams, n.LimitStream(class))
	}
	for _, s := range streams {
		all = append(all, "$JS.API.STREAM.INFO."+s, "$JS.API.STREAM.MSG.GET."+s, "$JS.API.DIRECT.GET."+s, "$JS.API.DIRECT.GET."+s+".>")
	}
	return all
}
