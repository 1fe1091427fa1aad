package price

import (
	"time"

	"github.com/tianjillm/tianjillm/shared/money"
)

// Cost returns what a request cost. It allocates nothing.
func (r *Rate) Cost(u *Usage) money.Nano { return r.Breakdown(u).Total() }

// Breakdown returns what a request cost, by kind.
func (r *Rate) Breakdown(u *Usage) Breakdown {
	if r.Empty() {
		return Breakdown{}
	}
	q := quote{tier: u.Tier}
	q.fill(r, u.InputTokens, u.MaxResults, u.At)
	var b Breakdown
	q.inputTokens(&b, u)
	q.outputTokens(&b, u)
	q.uplift(&b, u)
	b.Input = sum(b.Input, q.inputOther(u))
	b.Output = sum(b.Output, q.outputOther(u))
	b.Tool = q.tools(u)
	return b
}

// inputTokens follows LiteLLM's formula: what is cached, audio, image or video
// costs its own price, the rest the price of text.
func (q *quote) inputTokens(b *Breakdown, u *Usage) {
	left := max(u.InputTokens, 0)
	read := take(&left, u.CacheReadTokens)
	written := take(&left, u.CacheWriteTokens)
	hour := take(&written, u.CacheWrite1hTokens)
	cachedAudio := take(&read, min(u.AudioCachedTokens, u.AudioInputTokens))
	cachedImage := take(&read, min(u.ImageCachedTokens, u.ImageInputTokens))
	audio := take(&left, u.AudioInputTokens-cachedAudio)
	image := take(&left, u.ImageInputTokens-cachedImage)
	video := take(&left, u.VideoInputTokens)

	b.Input = sum(q.times(left, Input), q.times(audio, AudioInput, Input), q.times(image, ImageInput, Input),
		q.times(video, VideoInput, Input), q.times(u.CitationTokens, Citation, Input))
	b.CacheRead = sum(q.times(read, CacheRead, Input), q.times(cachedAudio, AudioCacheRead, CacheRead, AudioInput, Input),
		q.times(cachedImage, ImageCacheRead, CacheRead, ImageInput, Input))
	b.CacheWrite = sum(q.times(written, CacheWrite, Input), q.times(hour, CacheWrite1h, CacheWrite, Input))
}

// outputTokens prices the answer. Image models have no price for text in the
// answer: all of their tokens are the image's.
func (q *quote) outputTokens(b *Breakdown, u *Usage) {
	left := max(u.OutputTokens, 0)
	audio := take(&left, u.AudioOutputTokens)
	image := take(&left, u.ImageOutputTokens)
	video := take(&left, u.VideoOutputTokens)
	reasoning := take(&left, u.ReasoningTokens)
	b.Reasoning = q.times(reasoning, Reasoning, Output)
	b.Output = sum(q.times(left, Output, ImageOutput), q.times(audio, AudioOutput, Output),
		q.times(image, ImageOutput, Output), q.times(video, VideoOutput, Output))
}

// take moves up to n from the rest.
func take(rest *int64, n int64) int64 {
	n = min(max(n, 0), *rest)
	*rest -= n
	return n
}

// uplift multiplies the cost of tokens where they had to stay in a region or
// to come fast.
func (q *quote) uplift(b *Breakdown, u *Usage) {
	apply := func(unit Unit, wanted bool) {
		if !wanted || !q.has(unit) {
			return
		}
		factor := q.units[unit].price
		for _, cost := range []*money.Nano{&b.Input, &b.CacheRead, &b.CacheWrite, &b.Output, &b.Reasoning} {
			*cost = money.Per(int64(*cost), factor, money.NanosPerUSD)
		}
	}
	apply(UpliftEU, u.Residency == "eu")
	apply(UpliftUS, u.Residency == "us")
	apply(UpliftRegional, u.RegionalEndpoint)
	apply(UpliftFast, u.Fast)
}

// inputOther prices what is not counted in tokens.
func (q *quote) inputOther(u *Usage) money.Nano {
	byToken := u.InputTokens > 0 && (q.charged(Input) || q.charged(AudioInput))
	annotated := min(max(u.AnnotatedPages, 0), u.Pages)
	cost := sum(q.times(u.Requests, Request), q.times(u.Queries, SearchQuery), q.times(u.TextMessages, TextMessage),
		q.times(u.PageCredits, PageCredit), q.times(u.Pages-annotated, Page), q.times(annotated, AnnotatedPage, Page),
		q.inputAudio(u, byToken))
	if u.ImageInputTokens <= 0 {
		cost = sum(cost, q.times(u.InputImages, InputImage))
	}
	if u.VideoInputTokens <= 0 {
		cost = sum(cost, q.during(u.InputVideo, q.inputVideo(u.InputVideo)))
	}
	if byToken {
		return cost
	}
	return sum(cost, q.times(u.InputCharacters, InputCharacter), q.rent(u, InputSecond))
}

// rent prices the time of a request to a model that is neither given nor asked
// for anything that has a length of its own.
func (q *quote) rent(u *Usage, unit Unit) money.Nano {
	if u.InputAudio > 0 || u.InputVideo > 0 || u.OutputVideo > 0 || u.OutputAudio > 0 {
		return 0
	}
	return q.during(u.Elapsed, q.first(unit))
}

// inputAudio prices audio by its length. The price of audio alone comes beside
// a text's tokens; the generic one of speech models only instead of tokens.
func (q *quote) inputAudio(u *Usage, byToken bool) money.Nano {
	if u.InputAudio <= 0 || u.AudioInputTokens > 0 {
		return 0
	}
	length := max(u.InputAudio, time.Duration(q.units[MinimumAudioSecond].price)) // nanoseconds, as it is in nanos
	switch {
	case q.has(AudioInputSecond), q.has(AudioSecond):
		return q.during(length, q.first(AudioInputSecond, AudioSecond))
	case byToken:
		return 0
	case q.charged(InputSecond):
		return q.during(length, q.units[InputSecond].price)
	default: // LiteLLM's files have some speech models' price there
		return q.during(length, q.units[OutputSecond].price)
	}
}

func (q *quote) inputVideo(length time.Duration) money.Nano {
	switch {
	case length > 15*time.Second:
		return q.first(VideoInputSecondOver15, VideoInputSecondOver8, VideoInputSecond)
	case length > 8*time.Second:
		return q.first(VideoInputSecondOver8, VideoInputSecond)
	default:
		return q.first(VideoInputSecond)
	}
}

// outputOther prices what is not counted in tokens.
func (q *quote) outputOther(u *Usage) money.Nano {
	var cost money.Nano
	if u.VideoOutputTokens <= 0 {
		cost = q.during(u.OutputVideo, q.first(resolution(u.VideoHeight), VideoOutputSecond, OutputSecond))
	}
	if u.OutputTokens > 0 && (q.charged(Output) || q.charged(AudioOutput) || q.charged(ImageOutput)) {
		return cost
	}
	return sum(cost, q.times(u.OutputCharacters, OutputCharacter), q.images(u), q.rent(u, OutputSecond),
		q.during(u.OutputAudio, q.first(AudioOutputSecond, AudioSecond, OutputSecond)))
}

func resolution(height int) Unit {
	switch {
	case height <= 0:
		return VideoOutputSecond
	case height <= 480:
		return VideoOutputSecond480p
	case height <= 720:
		return VideoOutputSecond720p
	case height <= 768:
		return VideoOutputSecond768p
	case height <= 1080:
		return VideoOutputSecond1080p
	case height <= 1440:
		return VideoOutputSecond2k
	default:
		return VideoOutputSecond4k
	}
}

// images prices images one by one, else by their pixels.
func (q *quote) images(u *Usage) money.Nano {
	if u.OutputImages <= 0 {
		return 0
	}
	if price, ok := q.image(u); ok {
		return money.PerMillion(u.OutputImages, price)
	}
	const most = 1 << 20
	pixels := min(max(u.ImageWidth, 0), most) * min(max(u.ImageHeight, 0), most)
	return q.times(min(u.OutputImages, most)*pixels, OutputPixel)
}

func (q *quote) image(u *Usage) (money.Nano, bool) {
	var choice [8]Unit
	list := choice[:0]
	shorter, longer := min(u.ImageWidth, u.ImageHeight), max(u.ImageWidth, u.ImageHeight)
	if shorter > 1024 {
		list = preferPremium(list, u.PremiumImages, OutputImageOver1024Premium, OutputImageOver1024)
	}
	if shorter > 512 {
		list = preferPremium(list, u.PremiumImages, OutputImageOver512Premium, OutputImageOver512)
	}
	switch {
	case longer <= 0:
	case longer <= 512:
		list = append(list, OutputImage512)
	case longer <= 1024:
		list = append(list, OutputImage1024)
	case longer <= 1536:
		list = append(list, OutputImage1536)
	}
	list = preferPremium(list, u.PremiumImages, OutputImagePremium, OutputImage)
	for _, unit := range list {
		if q.has(unit) {
			return q.units[unit].price, true
		}
	}
	return 0, false
}

func preferPremium(list []Unit, premium bool, dear, plain Unit) []Unit {
	if premium {
		list = append(list, dear)
	}
	return append(list, plain)
}

func (q *quote) tools(u *Usage) money.Nano {
	search := WebSearch
	switch u.SearchSize {
	case SearchLow:
		search = WebSearchLow
	case SearchHigh:
		search = WebSearchHigh
	case SearchMedium:
	}
	return sum(q.times(u.WebSearches, search, WebSearch, WebSearchHigh, WebSearchLow), q.times(u.MapsSearches, MapsSearch),
		q.times(u.FileSearches, FileSearch), q.times(u.CodeSessions, CodeSession),
		q.times(u.ComputerInputTokens, ComputerInput), q.times(u.ComputerOutputTokens, ComputerOutput))
}

func sum(parts ...money.Nano) money.Nano {
	var total money.Nano
	for _, p := range parts {
		total = money.Add(total, p)
	}
	return total
}
