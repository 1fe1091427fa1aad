// Package bedrock speaks to Amazon Bedrock: chats through the Converse API,
// which is one wire for all models, or through the body of the model's own
// maker where the model name says invoke/; embeddings of Titan, Nova and
// Cohere; reranking; and Anthropic's Messages for Claude. Requests are signed
// by package awsauth, or carry an API key of Bedrock.
//
// It owns no goroutine. It fetches nothing that a message points to: that is
// done before it sees the message.
//
// Wire facts: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
// and the types of github.com/aws/aws-sdk-go-v2/service/bedrockruntime.
package bedrock
