// A member for jetlag: orbit.go pcgroups, static (the default) or elastic (KIND=elastic). It does what pcgroups_static.py and
// pcgroups_elastic.py do, with the library that these are a port of; docs/external.md has the protocol.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/pcgroups"
)

const group = "pcg"

var (
	stream = os.Getenv("JETLAG_STREAM")
	prefix = os.Getenv("JETLAG_SUBJECT_PREFIX")
	out    = bufio.NewWriter(os.Stdout)
	saying sync.Mutex
)

func number(name string, otherwise int) int {
	value, err := strconv.Atoi(os.Getenv(name))
	if err != nil {
		return otherwise
	}
	return value
}

func say(words ...any) {
	saying.Lock()
	defer saying.Unlock()
	fmt.Fprintln(out, words...)
	out.Flush()
}

func handle(message jetstream.Msg) {
	seconds, _ := strconv.ParseFloat(os.Getenv("JETLAG_HANDLER_SECONDS"), 64)
	id := string(message.Data()[:24])
	say("start", id)
	time.Sleep(time.Duration(seconds * float64(time.Second)))
	say("done", id)
	if err := message.Ack(); err != nil {
		log.Println("ack:", err)
	}
}

func static(ctx context.Context, js jetstream.JetStream, config jetstream.ConsumerConfig) (pcgroups.ConsumerGroupConsumeContext, error) {
	partitioned := stream + "-partitioned"
	transform := jetstream.SubjectTransformConfig{Source: prefix + ".*", Destination: "{{wildcard(1)}}." + prefix}
	_, err := js.CreateStream(ctx, jetstream.StreamConfig{
		Name:    partitioned,
		Sources: []*jetstream.StreamSource{{Name: stream, SubjectTransforms: []jetstream.SubjectTransformConfig{transform}}},
	})
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range max(1, number("JETLAG_MEMBERS", 1)/number("INSTANCES", 2)) {
		names = append(names, fmt.Sprintf("m%d", name))
	}
	partitions := uint(number("JETLAG_PARTITIONS", 1))
	if _, err := pcgroups.CreateStatic(ctx, js, partitioned, group, partitions, []string{prefix}, names, nil); err != nil {
		return nil, err
	}
	member := names[number("JETLAG_MEMBER_INDEX", 0)%len(names)]
	return pcgroups.StaticConsume(ctx, js, partitioned, group, member, handle, config)
}

func elastic(ctx context.Context, js jetstream.JetStream, config jetstream.ConsumerConfig) (pcgroups.ConsumerGroupConsumeContext, error) {
	byPartition := []pcgroups.PartitioningFilter{{Filter: prefix + ".*", PartitioningWildcards: []int{1}}}
	partitions := uint(number("JETLAG_PARTITIONS", 1))
	if _, err := pcgroups.CreateElastic(ctx, js, stream, group, partitions, byPartition, -1, -1); err != nil {
		return nil, err
	}
	if err := inTurn(func() error { _, err := pcgroups.AddMembers(ctx, js, stream, group, member()); return err }); err != nil {
		return nil, err
	}
	return pcgroups.ElasticConsume(ctx, js, stream, group, member()[0], handle, config)
}

func member() []string { return []string{fmt.Sprintf("m%d", number("JETLAG_MEMBER_INDEX", 0))} }

// inTurn tries a change of the membership again when somebody else was faster.
func inTurn(change func() error) (err error) {
	for attempt := range 20 {
		if err = change(); err == nil {
			return nil
		}
		time.Sleep(time.Duration(10+attempt*5) * time.Millisecond)
	}
	return err
}

func main() {
	leave := make(chan os.Signal, 1)
	signal.Notify(leave, syscall.SIGTERM)
	connection, err := nats.Connect(os.Getenv("JETLAG_SERVER"))
	if err != nil {
		log.Fatal(err)
	}
	js, err := jetstream.New(connection)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	config := jetstream.ConsumerConfig{
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       time.Duration(number("ACK_WAIT", 5)) * time.Second,
		MaxAckPending: number("MAX_ACK_PENDING", 0),
	}
	isElastic := os.Getenv("KIND") == "elastic"
	consume := static
	if isElastic {
		consume = elastic
	}
	session, err := consume(ctx, js, config)
	if err != nil {
		log.Fatal(err)
	}
	say("ready", 1)
	select {
	case err := <-session.Done():
		log.Fatal("the session ended: ", err)
	case <-leave:
	}
	if isElastic {
		if err := inTurn(func() error { _, err := pcgroups.DeleteMembers(ctx, js, stream, group, member()); return err }); err != nil {
			log.Fatal(err)
		}
	}
	session.Stop()
	connection.Close()
}
