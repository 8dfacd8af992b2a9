module jetlag.example/pcgroups

go 1.25.0

require (
	github.com/nats-io/nats.go v1.50.0
	github.com/synadia-io/orbit.go/pcgroups v0.2.1
)
