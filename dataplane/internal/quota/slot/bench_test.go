package slot_test

import (
	"sync"
	"testing"
	"time"
)

func BenchmarkTryRelease(b *testing.B) {
	r := newBus(b).replica("one", time.Minute)
	r.must(key, 1000).Release()
	b.ReportAllocs()
	for b.Loop() {
		s, ok := r.Try(key, 1000)
		if !ok {
			b.Fatal("no slot")
		}
		s.Release()
	}
}

func BenchmarkTryReleaseParallel(b *testing.B) {
	r := newBus(b).replica("one", time.Minute)
	r.must(key, 1000).Release()
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			s, ok := r.Try(key, 1000)
			if ok {
				s.Release()
			}
		}
	})
}

// The operations of three replicas for a thousand requests, without the two of
// each replica and 1.25 seconds that keep its lease.
func BenchmarkOperations(b *testing.B) {
	for _, c := range []struct {
		name    string
		limit   int64
		callers int // of each replica
	}{{"contended-10", 10, 8}, {"contended-100", 100, 100}, {"enough-10", 10, 2}, {"enough-100", 100, 20}} {
		b.Run(c.name, func(b *testing.B) {
			bus := newBus(b, names...)
			var replicas []*replica
			for _, name := range names {
				replicas = append(replicas, bus.replica(name, 5*time.Second))
			}
			var m meter
			for b.Loop() {
				var wg sync.WaitGroup
				stop := make(chan struct{})
				for _, r := range replicas {
					load(&wg, r, key, fixed(c.limit), c.callers, lasting(20*time.Millisecond), &m, stop)
				}
				wait(time.Second, nil)
				close(stop)
				wg.Wait()
			}
			admitted, refused := float64(m.total.Load()), float64(m.refused.Load())
			b.ReportMetric(float64(bus.operations())*1000/(admitted+refused), "ops/1000req")
			b.ReportMetric(float64(bus.operations())*1000/admitted, "ops/1000admitted")
			b.ReportMetric((admitted+refused)/float64(b.N), "req/s")
			b.ReportMetric(float64(m.most.Load()), "most")
		})
	}
}
