package awsauth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

// expiryWindow is how long before they expire credentials are fetched anew, so
// that none expires under way.
const expiryWindow = 5 * time.Minute

// Doer sends a request.
type Doer interface {
	Do(ctx context.Context, req *upstream.Request) (*upstream.Response, error)
}

// Signer signs the requests of one deployment to one service in one region. It
// is safe for concurrent use.
type Signer struct {
	credentials aws.CredentialsProvider
	signer      *v4.Signer
	service     string
	region      string
	// header is signed besides the host and the time. The length and the type
	// of the body are not: its hash is.
	header http.Header
	now    func() time.Time
}

// Options say what is signed for.
type Options struct {
	Service string // by its signing name: bedrock, sagemaker
	Region  string
	// Header are fields that go with each request; those that begin with x-amz-
	// AWS wants signed.
	Header map[string]string
	// Now is time.Now unless set.
	Now func() time.Time
}

// New returns the signer of a deployment. It reads no file and asks nobody:
// that is for the first request.
func New(cfg *provider.Config, doer Doer, o Options) (*Signer, error) {
	if o.Region == "" || o.Service == "" {
		return nil, errors.New("aws signer: no service or region")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Signer{signer: v4.NewSigner(), service: o.Service, region: o.Region, header: http.Header{}, now: o.Now}
	for name, value := range o.Header {
		if strings.HasPrefix(strings.ToLower(name), "x-amz-") {
			s.header.Set(name, value)
		}
	}
	c := &chain{cfg: cfg, doer: doer, region: o.Region, now: o.Now}
	find, err := c.choose()
	if err != nil {
		return nil, err
	}
	s.credentials = aws.NewCredentialsCache(find, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = expiryWindow })
	return s, nil
}

// Authorize returns the fields that prove who sends the request.
func (s *Signer) Authorize(ctx context.Context, method, rawURL string, body []byte) ([]upstream.Field, error) {
	credentials, err := s.credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("aws credentials: %w", err)
	}
	return s.sign(ctx, &credentials, method, rawURL, body)
}

func (s *Signer) sign(ctx context.Context, credentials *aws.Credentials, method, rawURL string, body []byte) ([]upstream.Field, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("aws signer: not a URL")
	}
	req := &http.Request{Method: method, URL: u, Host: u.Host, Header: s.header.Clone()}
	sum := sha256.Sum256(body)
	if err := s.signer.SignHTTP(ctx, *credentials, req, hex.EncodeToString(sum[:]), s.service, s.region, s.now()); err != nil {
		return nil, fmt.Errorf("aws signer: %w", err)
	}
	fields := make([]upstream.Field, 0, len(req.Header))
	for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} {
		if value := req.Header.Get(name); value != "" {
			fields = append(fields, upstream.Field{Name: name, Value: value})
		}
	}
	return fields, nil
}

// Domain returns the domain of a region's endpoints.
func Domain(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}
