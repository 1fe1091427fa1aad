// Package bucket keeps old entries of the audit trail in an S3-compatible
// bucket, with requests signed by AWS Signature Version 4.
//
// An object counts as kept when the bucket says afterwards that it has it, in
// its full length and with its checksum. The package does not decide what is
// archived or deleted, retries nothing (its caller comes again), and owns no
// goroutine.
package bucket

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	// service is S3's name in signatures.
	service = "s3"
	// timeout is for one request; a batch of entries has a few megabytes.
	timeout = time.Minute
	// mostAnswer is how much of an answer is read, so that its connection can
	// be used again.
	mostAnswer = 64 << 10

	headerChecksum = "X-Amz-Checksum-Sha256"
	// noBody is the SHA-256 of no body.
	noBody = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// Options say which bucket, and who writes to it.
type Options struct {
	// URL is s3://bucket/prefix; the prefix may be missing.
	URL string
	// Region is the bucket's, us-east-1 when empty.
	Region string
	// Endpoint is the base URL of a service that is not AWS's; the bucket is
	// then the first part of the path.
	Endpoint                           string
	AccessKey, SecretKey, SessionToken string
	// Client sends the requests; nil makes one that follows no redirect.
	Client *http.Client
}

// Bucket is an archive. It is safe for concurrent use.
type Bucket struct {
	base        url.URL
	region      string
	credentials aws.Credentials
	signer      *v4.Signer
	client      *http.Client
}

// New checks the options. It asks nobody.
func New(o *Options) (*Bucket, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "s3" || u.Host == "" || u.RawQuery != "" || u.User != nil {
		return nil, errors.New("the archive is not of the form s3://bucket/prefix")
	}
	if o.AccessKey == "" || o.SecretKey == "" {
		return nil, errors.New("there are no credentials for the archive: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	b := &Bucket{
		region: o.Region, client: o.Client,
		credentials: aws.Credentials{AccessKeyID: o.AccessKey, SecretAccessKey: o.SecretKey, SessionToken: o.SessionToken},
		// The path of an object is signed as it is sent, for S3 alone:
		// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
		signer: v4.NewSigner(func(s *v4.SignerOptions) { s.DisableURIPathEscaping = true }),
	}
	if b.region == "" {
		b.region = "us-east-1"
	}
	if b.client == nil {
		b.client = &http.Client{Timeout: timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return b, b.locate(u.Host, u.Path, o.Endpoint)
}

func (b *Bucket) locate(name, prefix, endpoint string) error {
	if endpoint == "" {
		b.base = url.URL{Scheme: "https", Host: name + ".s3." + b.region + ".amazonaws.com", Path: path.Join("/", prefix)}
		if strings.Contains(name, ".") { // no certificate is for such a host
			b.base.Host, b.base.Path = "s3."+b.region+".amazonaws.com", path.Join("/", name, prefix)
		}
		return nil
	}
	e, err := url.Parse(endpoint)
	if err != nil || e.Scheme != "https" && e.Scheme != "http" || e.Host == "" {
		return errors.New("the archive's endpoint is not a URL: want https://host")
	}
	b.base = url.URL{Scheme: e.Scheme, Host: e.Host, Path: path.Join("/", e.Path, name, prefix)}
	return nil
}

// Keep stores lines under a name, and asks the bucket whether it has them.
func (b *Bucket) Keep(ctx context.Context, name string, lines []byte) error {
	ctx, cancel := context.WithTimeout(ctx, 2*timeout)
	defer cancel()
	sum := sha256.Sum256(lines)
	checksum := base64.StdEncoding.EncodeToString(sum[:])
	header := http.Header{"Content-Type": {"application/x-ndjson"}, headerChecksum: {checksum}}
	got, err := b.do(ctx, http.MethodPut, name, lines, hex.EncodeToString(sum[:]), header)
	if err != nil {
		return fmt.Errorf("put %s into the archive: %w", name, err)
	}
	if got.status != http.StatusOK {
		return fmt.Errorf("put %s into the archive: the bucket answered %d", name, got.status)
	}
	return b.verify(ctx, name, int64(len(lines)), checksum)
}

// verify asks for an object. A service that keeps no checksums is held to the
// length alone: it has compared the hash that was signed when it took the body.
func (b *Bucket) verify(ctx context.Context, name string, length int64, checksum string) error {
	got, err := b.do(ctx, http.MethodHead, name, nil, noBody, http.Header{"X-Amz-Checksum-Mode": {"ENABLED"}})
	if err != nil {
		return fmt.Errorf("look for %s in the archive: %w", name, err)
	}
	if got.status != http.StatusOK {
		return fmt.Errorf("look for %s in the archive: the bucket answered %d", name, got.status)
	}
	if got.length != length {
		return fmt.Errorf("look for %s in the archive: it has %d bytes there and not %d", name, got.length, length)
	}
	if got.checksum != "" && got.checksum != checksum {
		return fmt.Errorf("look for %s in the archive: it is not what was put there", name)
	}
	return nil
}

// answer is what counts of a response.
type answer struct {
	status   int
	length   int64
	checksum string // in base64; empty where none is kept
}

// do sends a signed request and reads the answer's body to its end.
func (b *Bucket) do(ctx context.Context, method, name string, body []byte, hash string, header http.Header) (answer, error) {
	u := b.base
	u.Path = path.Join(u.Path, name)
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return answer{}, errors.New("the archive's URL can not be used")
	}
	req.Header = header
	req.Header.Set("X-Amz-Content-Sha256", hash)
	if len(body) > 0 {
		req.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	if err := b.signer.SignHTTP(ctx, b.credentials, req, hash, service, b.region, time.Now()); err != nil {
		return answer{}, fmt.Errorf("sign: %w", err)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return answer{}, err //nolint:wrapcheck // the caller says what it was for
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, mostAnswer)); err != nil {
		return answer{}, fmt.Errorf("read the answer: %w", err)
	}
	return answer{status: resp.StatusCode, length: resp.ContentLength, checksum: resp.Header.Get(headerChecksum)}, nil
}
