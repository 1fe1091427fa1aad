module github.com/tianjillm/tianjillm/deploy

go 1.26.0

require (
	github.com/tianjillm/tianjillm/shared v0.0.0
	github.com/tianjillm/tianjillm/dataplane v0.0.0
	github.com/tianjillm/tianjillm/controlplane v0.0.0
	github.com/tianjillm/tianjillm/migrations v0.0.0
	github.com/tianjillm/tianjillm/testkit v0.0.0
)

replace (
	github.com/tianjillm/tianjillm/shared => ../shared
	github.com/tianjillm/tianjillm/dataplane => ../dataplane
	github.com/tianjillm/tianjillm/controlplane => ../controlplane
	github.com/tianjillm/tianjillm/migrations => ../migrations
	github.com/tianjillm/tianjillm/testkit => ../testkit
)
