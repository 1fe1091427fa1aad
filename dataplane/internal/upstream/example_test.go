package upstream_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

func ExampleClient_Do() {
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", r.Header.Get("Authorization"), b)
	}))
	defer vendor.Close()

	// Once a process.
	client, err := upstream.New(upstream.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	// Once a deployment.
	target, err := upstream.ParseTarget(vendor.URL + "/v1/chat/completions")
	if err != nil {
		fmt.Println(err)
		return
	}
	head, err := upstream.NewHead(upstream.Field{Name: "Authorization", Value: "Bearer key"})
	if err != nil {
		fmt.Println(err)
		return
	}

	// Once a request: the client's body with the model name spliced in.
	resp, err := client.Do(context.Background(), &upstream.Request{
		Method: http.MethodPost, Target: target, Head: head,
		Body:          [][]byte{[]byte(`{"model":`), []byte(`"gpt-5"`), []byte(`}`)},
		HeaderTimeout: time.Minute, IdleTimeout: time.Minute,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Close()
	_, err = io.Copy(os.Stdout, resp)
	if err != nil {
		fmt.Println(err)
	}
	// Output: Bearer key {"model":"gpt-5"}
}
